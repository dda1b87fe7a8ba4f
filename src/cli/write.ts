/** Files that a command writes. Their folders are made where they are not there yet. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Indented, with lists of numbers in one line. */
export function writeJson(path: string, value: object): void {
  const indented = JSON.stringify(value, null, 2);
  write(path, `${indented.replace(/\[[-+\d.,\seE]+\]/g, (list) => list.replace(/\s+/g, ''))}\n`);
}
