/** Variables of a MATLAB 5 file: numbers, texts and cells of them. */
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { CommandError } from '../../tools/terminal/command.ts';

/** Numbers column by column, as MATLAB has them. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: readonly number[];
}

export type Variable = Matrix | string | readonly Variable[];

const [INT8, UINT8, INT16, UINT16, INT32, UINT32, SINGLE, DOUBLE, INT64, UINT64, MATRIX, COMPRESSED, UTF8, UTF16] = [
  1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 15, 16, 17,
];
const [CELL, CHAR] = [1, 4];

/** @throws CommandError for a file of another kind, such as MATLAB's later one, which is HDF5 */
export function readMat(path: string): Map<string, Variable> {
  const bytes = readFileSync(path);
  const kind = bytes.toString('latin1', 0, 6);
  if (bytes.toString('latin1', 0, 10) === 'MATLAB 7.3')
    throw new CommandError(
      `${path} is a MATLAB 7.3 file, which is HDF5: docs/evaluate.md has the lines that make one of it that is read here.`,
    );
  if (kind !== 'MATLAB' || bytes.toString('latin1', 7, 10) !== '5.0') throw new CommandError(`${path} is no MATLAB 5 file.`);
  if (bytes.toString('latin1', 126, 128) !== 'IM') throw new CommandError(`${path} is of a big-endian machine, which is not read here.`);
  try {
    const variables = new Map<string, Variable>();
    for (const { type, data } of elementsOf(bytes.subarray(128))) {
      const [inner] = type === COMPRESSED ? elementsOf(inflateSync(data)) : [{ type, data }];
      if (inner?.type !== MATRIX) continue;
      const { name, value } = matrixOf(inner.data);
      if (value !== undefined) variables.set(name, value);
    }
    return variables;
  } catch (cause) {
    throw new CommandError(`${path} is damaged: ${(cause as Error).message}`, { cause });
  }
}

interface Element {
  readonly type: number;
  readonly data: Buffer;
}

/** Small elements have their length beside their type, in four bytes; all others begin at multiples of eight, but for compressed ones. */
function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const word = bytes.readUInt32LE(at);
    const small = word >>> 16;
    if (small > 0) {
      elements.push({ type: word & 0xffff, data: bytes.subarray(at + 4, at + 4 + small) });
      at += 8;
      continue;
    }
    const length = bytes.readUInt32LE(at + 4);
    if (at + 8 + length > bytes.length) throw new Error('it is cut short.');
    elements.push({ type: word, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + (word === COMPRESSED ? length : Math.ceil(length / 8) * 8);
  }
  return elements;
}

function matrixOf(data: Buffer): { name: string; value: Variable | undefined } {
  const [flags, sizes, named, ...parts] = elementsOf(data) as [Element, Element, Element, ...Element[]];
  const [rows = 0, columns = 0] = numbersOf(sizes);
  const name = named.data.toString('latin1');
  const type = flags.data.readUInt32LE(0) & 0xff;
  if (type === CELL) return { name, value: parts.map((part) => matrixOf(part.data).value ?? '') };
  const [first] = parts;
  if (!first) return { name, value: type === CHAR ? '' : { rows, columns, values: [] } };
  if (type === CHAR) return { name, value: textOf(first) };
  return { name, value: type >= 6 ? { rows, columns, values: numbersOf(first) } : undefined };
}

function textOf({ type, data }: Element): string {
  if (type === UTF8) return data.toString('utf8');
  if (type === UTF16) return data.toString('utf16le');
  return String.fromCharCode(...numbersOf({ type, data }));
}

const READERS: Readonly<Record<number, readonly [number, (data: Buffer, at: number) => number]>> = {
  [INT8 as number]: [1, (data, at) => data.readInt8(at)],
  [UINT8 as number]: [1, (data, at) => data.readUInt8(at)],
  [INT16 as number]: [2, (data, at) => data.readInt16LE(at)],
  [UINT16 as number]: [2, (data, at) => data.readUInt16LE(at)],
  [INT32 as number]: [4, (data, at) => data.readInt32LE(at)],
  [UINT32 as number]: [4, (data, at) => data.readUInt32LE(at)],
  [SINGLE as number]: [4, (data, at) => data.readFloatLE(at)],
  [DOUBLE as number]: [8, (data, at) => data.readDoubleLE(at)],
  [INT64 as number]: [8, (data, at) => Number(data.readBigInt64LE(at))],
  [UINT64 as number]: [8, (data, at) => Number(data.readBigUInt64LE(at))],
};

function numbersOf({ type, data }: Element): number[] {
  const reader = READERS[type];
  if (!reader) throw new Error(`it has numbers of a type ${type}`);
  const [size, read] = reader;
  return Array.from({ length: Math.floor(data.length / size) }, (_, i) => read(data, i * size));
}
