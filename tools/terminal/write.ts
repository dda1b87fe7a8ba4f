/** Files that a command writes. Their folders are made where they are not there yet. */
import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CommandError } from './command.ts';

export function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Indented, with lists of numbers in one line. */
export function writeJson(path: string, value: object): void {
  const indented = JSON.stringify(value, null, 2);
  write(path, `${indented.replace(/\[[-+\d.,\seE]+\]/g, (list) => list.replace(/\s+/g, ''))}\n`);
}

/** Where something was written, in the report's columns. */
export const writtenLine = (what: string, path: string): string => `  ${what.padEnd(12)}${path}`;

/**
 * Whether the file can be written, before the work whose result it is to take. `option` is what gave its name.
 * @throws CommandError
 */
export function checkOutput(path: string, option = ''): void {
  const named = `${option} ${path}`.trim();
  if (isFolder(resolve(path))) throw new CommandError(`${named} is a directory; give a file.`);
  checkWritable(path, named);
}

/** Whether files can be written into the folder, which is made where it is not there yet. @throws CommandError */
export function checkOutputFolder(path: string, option = ''): void {
  const named = `${option} ${path}`.trim();
  if (existsSync(path) && !isFolder(path)) throw new CommandError(`${named} is a file; give a folder.`);
  checkWritable(path, named);
}

/** Whether the folder that a file is to go into is there, for commands that make none: its name may be mistyped. @throws CommandError */
export function checkFolderOf(path: string): void {
  const folder = dirname(path);
  if (!isFolder(folder)) throw new CommandError(`There is no folder ${folder}.`);
}

function checkWritable(path: string, named: string): void {
  let there = resolve(path);
  while (!existsSync(there)) there = dirname(there);
  if (there !== resolve(path) && !isFolder(there)) throw new CommandError(`${named} cannot be written: ${there} is no folder.`);
  try {
    accessSync(there, constants.W_OK);
  } catch (cause) {
    throw new CommandError(`${named} cannot be written: nothing may be written to ${there}.`, { cause });
  }
}

export const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();
