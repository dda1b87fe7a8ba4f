/** What a file or folder of weights holds, for people: without reading a PyTorch file's storages. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { joined, parseConfig } from '../../src/checkpoint/hosted.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { tasksOf } from '../../src/face/config.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { configOf, kindOf as networkOf, titleOf } from '../../tools/networks.ts';
import { chosenOf, openAccess } from './convert.ts';
import { hashesOf } from './hash.ts';
import type { Key, Value } from './pickle.ts';
import { openFile, type RandomAccess } from './source.ts';
import { chooseStateDict, keyText, stateDicts, torchCheckpoint } from './state.ts';
import { Inert, Tensor } from './tensors.ts';
import { isTorch, openTorch } from './torch.ts';

/**
 * Lines of it. A file's author names its tensors, and a terminal obeys some characters: they are written as their numbers.
 * @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE
 */
export async function describe(path: string): Promise<string[]> {
  const number = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return (await described(path)).map((line) => line.replaceAll(/\p{Cc}/gu, number));
}

async function described(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `There is no file ${path}.`);
  if (info.isDirectory()) return describeFolder(path);
  const bytes = await openFile(path);
  try {
    return (await isTorch(bytes)) ? await describeTorch(bytes) : await describeSafetensors(bytes);
  } finally {
    await bytes.close();
  }
}

async function describeSafetensors(bytes: RandomAccess): Promise<string[]> {
  const checkpoint = await openAccess(bytes);
  const { checkpoint: chosen, notes } = chosenOf(checkpoint);
  const { sha256 } = await hashesOf(bytes);
  return [
    ...rows(checkpoint.tensors),
    '',
    totals(checkpoint.tensors, bytes.size),
    `sha256 ${sha256}`,
    ...notes,
    ...verdict(inFloat32(chosen).tensors),
  ];
}

async function describeFolder(folder: string): Promise<string[]> {
  const config = await openFile(join(folder, 'config.json'));
  const opened: RandomAccess[] = [config];
  try {
    const files = parseConfig(await config.read(0, config.size), config.name);
    for (const { name } of files) opened.push(await openFile(join(folder, name)));
    const checkpoint = joined(folder, await Promise.all(opened.slice(1).map((bytes) => openAccess(bytes))));
    const list = files.map(({ name, bytes, sha256 }) => `${name}  ${bytes}  sha256 ${sha256}`);
    const size = files.reduce((sum, { bytes }) => sum + bytes, 0);
    return [...rows(checkpoint.tensors), '', ...list, totals(checkpoint.tensors, size), ...verdict(inFloat32(checkpoint).tensors)];
  } finally {
    for (const bytes of opened) await bytes.close();
  }
}

async function describeTorch(bytes: RandomAccess): Promise<string[]> {
  const file = await openTorch(bytes);
  const keys =
    file.root instanceof Map
      ? [...(file.root as Map<Key, Value>)].slice(0, 41).map(([key, value]) => `  ${keyText(key).slice(0, 80)}: ${kindOf(value)}`)
      : [`  ${kindOf(file.root)}`];
  const count = file.root instanceof Map ? file.root.size : 1;
  const shown = count > 40 ? [...keys.slice(0, 40), `  and ${count - 40} more`] : keys;
  const lines = [`PyTorch, ${file.form} form, ${bytes.size} bytes; at the top:`, ...shown, ''];
  const dicts = stateDicts(file.root);
  for (const { path, tensors } of dicts.slice(0, 6)) lines.push(`${counted(tensors.size)} at ${path.slice(0, 200) || '(top)'}`);
  if (dicts.length > 6) lines.push(`and tensors at ${dicts.length - 6} more`);
  try {
    const state = chooseStateDict(file.root);
    const checkpoint = torchCheckpoint(file, state);
    return [
      ...lines,
      ...state.notes,
      '',
      ...rows(checkpoint.tensors),
      '',
      totals(checkpoint.tensors, bytes.size),
      ...verdict(checkpoint.tensors),
    ];
  } catch (error) {
    if (error instanceof FaceXFormerError) return [...lines, `${error.code}: ${error.message}`];
    throw error;
  }
}

function kindOf(value: Value): string {
  if (value instanceof Tensor) return `tensor ${value.storage.dtype} [${value.shape.join(', ')}]`;
  if (value instanceof Map) return `dict of ${value.size}`;
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (value instanceof Inert) return value.of;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  return typeof value === 'object' && value !== null ? 'object' : String(value);
}

/** A column no wider than any name of ours: one long name must not widen every row. */
const WIDEST = 120;

function rows(tensors: ReadonlyMap<string, TensorInfo>): string[] {
  const width = [...tensors.keys()].reduce((most, { length }) => Math.max(most, Math.min(length, WIDEST)), 0);
  return [...tensors.values()].map(
    ({ name, dtype, shape, bytes }) => `${name.padEnd(width)}  ${dtype.padEnd(4)} [${shape.join(', ')}]  ${bytes}`,
  );
}

const counted = (tensors: number): string => `${tensors} ${tensors === 1 ? 'tensor' : 'tensors'}`;

function totals(tensors: ReadonlyMap<string, TensorInfo>, size: number): string {
  const all = [...tensors.values()];
  const numbers = all.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
  return `${counted(all.length)}, ${numbers} numbers, ${[...new Set(all.map(({ dtype }) => dtype))].join(', ')}, ${size} bytes`;
}

/** Which form the tensors are, what tasks it knows, and what keeps the engine from taking them. */
function verdict(tensors: ReadonlyMap<string, TensorInfo>): string[] {
  try {
    const config = configOf(tensors);
    return [`${titleOf(networkOf(config))}; tasks: ${tasksOf(config).join(', ')}`];
  } catch (error) {
    if (error instanceof FaceXFormerError) return [`${error.code}: ${error.message}`];
    throw error;
  }
}
