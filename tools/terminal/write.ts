/** Files that a command reads and writes. The folders of those that it writes are made where they are not there yet. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { kindOf, obstacle, sameFile, saveNow } from '../save.ts';
import { CommandError } from './command.ts';

export const write = saveNow;

/** Indented, with lists of numbers in one line. */
export function writeJson(path: string, value: object): void {
  const indented = JSON.stringify(value, null, 2);
  write(path, `${indented.replace(/\[[-+\d.,\seE]+\]/g, (list) => list.replace(/\s+/g, ''))}\n`);
}

/** Where something was written, in the report's columns. */
export const writtenLine = (what: string, path: string): string => `  ${what.padEnd(12)}${path}`;

/**
 * Whether the file can be written, before the work whose result it is to take, and is none of `others`: the files that the command reads,
 * and what else it writes. `option` is what gave its name.
 * @throws CommandError
 */
export function checkOutput(path: string, option = '', others: readonly string[] = []): void {
  const named = `${option} ${path}`.trim();
  const there = path === '-' ? 'standard output' : obstacle(path);
  if (there !== undefined) throw new CommandError(`${named} is ${there}; give a file.`);
  for (const other of others)
    if (resolve(path) === resolve(other) || sameFile(path, other))
      throw new CommandError(`${named} would be written over ${other}, which this command reads or writes too; give another file.`);
  checkWritable(path, named);
}

/** Whether a file that the command reads is one: a pipe or a device has neither a length nor a second reading. @throws CommandError */
export function checkInput(path: string): void {
  const there = existsSync(path) ? kindOf(statSync(path)) : undefined;
  if (there !== undefined) throw new CommandError(`${path} is ${there}; give a file.`);
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
