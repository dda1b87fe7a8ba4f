/** Finds programs on this machine. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CommandError } from '../terminal/command.ts';

/** No browser, and no way to get one. The message says what to do. */
export class NoBrowserError extends CommandError {}

/** How a program may be called, and where it may be. */
export interface Program {
  /** Environment variables that may hold its path. */
  readonly variables: readonly string[];
  readonly names: readonly string[];
  /** Where installers put it, per `process.platform`. `%NAME%` is an environment variable. */
  readonly places: Readonly<Record<string, readonly string[]>>;
}

/** Path of a program: named by the environment, on the PATH, or in a usual place. */
export function findProgram({ variables, names, places }: Program, env: NodeJS.ProcessEnv): string | undefined {
  for (const variable of variables) {
    const path = env[variable];
    if (!path) continue;
    if (!isExecutable(path)) throw new NoBrowserError(`${variable} is ${path}, which is not a program that can be run.`);
    return path;
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const onPath = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name + suffix)));
  const usual = (places[process.platform] ?? []).map((place) => place.replace(/%(.+?)%/, (_, name: string) => env[name] ?? ''));
  return [...onPath, ...usual].find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
