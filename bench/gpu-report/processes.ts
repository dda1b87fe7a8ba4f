/** Programs that are run and read, a few at a time. */
import { spawn } from 'node:child_process';

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs a program to its end; one that takes longer than `seconds` is killed, and its code is null. */
export function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, seconds = 60): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 1000 * seconds,
      killSignal: 'SIGKILL',
    });
    const read = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        read[name] += text;
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...read, code }));
  });
}

/** `f` of every item in order, `n` of them under way at a time. */
export async function atMost<T, R>(n: number, items: readonly T[], f: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [i, item] of left) results[i] = await f(item);
  };
  await Promise.all(Array.from({ length: n }, work));
  return results;
}
