/** `annotate` and `evaluate`, with engines that are made up, on a disk that is full and then is not: for a process that has a disk of its own at /mnt. */
import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { annotate } from '../annotate/fake.ts';
import { evaluateAge } from '../evaluate/fake.ts';

export interface Found {
  /** What was thrown. */
  readonly said: string;
  /** Bytes of lines that count. */
  readonly counted: number;
  /** Whether what then stood begins the whole file, line by line, as far as the work was said to be. */
  readonly stood: boolean;
  readonly left: readonly string[];
  /** Whether the file is the whole one once there was room. */
  readonly whole: boolean;
}

/** Fills the disk but for some bytes. */
function fillBut(bytes: number): void {
  const file = openSync('/mnt/others', 'w');
  let size = 0;
  try {
    for (;;) size += writeSync(file, Buffer.alloc(4096));
  } catch {}
  ftruncateSync(file, size - bytes);
  closeSync(file);
}

/** @param bytes that the disk has left: room for the file of how far the work is, and for the first lines */
async function found(work: (out: string) => Promise<void>, bytes: number): Promise<Found> {
  const [out, elsewhere] = ['/mnt/out', `${process.cwd()}/undisturbed`];
  await work(elsewhere);
  const whole = readFileSync(elsewhere);
  fillBut(bytes);
  const said = await work(out).then(
    () => 'nothing',
    (error) => `${error.name} ${error.code}: ${error.message}`,
  );
  rmSync('/mnt/others');
  const left = readdirSync('/mnt').sort();
  const counted: number = JSON.parse(readFileSync(`${out}.progress`, 'utf8')).bytes;
  const stood = existsSync(out) ? readFileSync(out).subarray(0, counted) : Buffer.alloc(0);
  await work(out);
  return {
    said,
    counted,
    stood: stood.length === counted && whole.subarray(0, counted).equals(stood),
    left,
    whole: readFileSync(out).equals(whole),
  };
}

export async function onAFullDisk(): Promise<Record<string, Found>> {
  const [annotated, evaluated] = [
    (out: string) => annotate({ files: ['pictures'], out, resume: true }),
    (out: string) => evaluateAge('faces', out, 0),
  ];
  const results: Record<string, Found> = {};
  for (const [name, work, bytes] of [
    ['annotate, on its way', annotated, 20_480],
    ['evaluate, at its first lines', evaluated, 8192],
    ['annotate, at its first lines', annotated, 4096],
  ] as const) {
    results[name] = await found(work, bytes);
    for (const file of ['/mnt/out', 'undisturbed']) rmSync(file);
  }
  return results;
}
