/** Whether weights are whole: hosted ones by their config.json, single files by their own structure and the model's. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withCheckedBuffers } from '../../src/checkpoint/check.ts';
import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts';
import type { HostedFile } from '../../src/checkpoint/connection.ts';
import { mustBeFinite } from '../../src/checkpoint/float16.ts';
import { joined, parseConfig } from '../../src/checkpoint/hosted.ts';
import { headerLength } from '../../src/checkpoint/safetensors.ts';
import { aligned, inFloat32 } from '../../src/checkpoint/values.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { configOf, type Kind, kindOf } from '../../tools/networks.ts';
import { openAccess } from './convert.ts';
import { type Hashes, hashesOf } from './hash.ts';
import { INDEX } from './host.ts';
import { openFile, type RandomAccess } from './source.ts';

type Progress = (loaded: number, total: number) => void;

interface Verified {
  form: Kind;
  tensors: number;
  files: { name: string; bytes: number; sha256: string }[];
}

/**
 * Checks a folder of hosted weights, or a safetensors file.
 * @throws FaceXFormerError BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE, naming the file, chunk or tensor
 */
export async function verify(path: string, onProgress?: Progress): Promise<Verified> {
  const info = await stat(path).catch((cause) => {
    throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `There is no ${path}.`, { cause });
  });
  return info.isDirectory() ? verifyFolder(path, onProgress) : verifyFile(path, onProgress);
}

async function verifyFile(path: string, onProgress?: Progress): Promise<Verified> {
  const bytes = await openFile(path);
  try {
    const { form, tensors } = await checkValues(await openAccess(bytes));
    const { sha256 } = await hashesOf(bytes, onProgress);
    return { form, tensors, files: [{ name: path, bytes: bytes.size, sha256 }] };
  } finally {
    await bytes.close();
  }
}

async function verifyFolder(folder: string, onProgress?: Progress): Promise<Verified> {
  const config = await openFile(join(folder, 'config.json')).catch((cause) => {
    throw new FaceXFormerError('BAD_WEIGHTS_FILE', `${folder} has no config.json; a folder of hosted weights does.`, { cause });
  });
  const text = await config.read(0, config.size).finally(() => config.close());
  const files = parseConfig(text, join(folder, 'config.json'));
  const opened: RandomAccess[] = [];
  try {
    for (const { name } of files) opened.push(await openFile(join(folder, name)));
    for (const [i, bytes] of opened.entries()) compare(bytes.name, await hashesOf(bytes, onProgress), files[i] as HostedFile);
    for (const [i, bytes] of opened.entries()) await compareHeader(bytes, files[i] as HostedFile);
    const parts = await Promise.all(opened.map((bytes) => openAccess(bytes)));
    await checkIndex(
      folder,
      files.map(({ name }) => name),
      parts,
    );
    return { ...(await checkValues(joined(folder, parts))), files: files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) };
  } finally {
    for (const bytes of opened) await bytes.close();
  }
}

async function compareHeader(bytes: RandomAccess, { header }: HostedFile): Promise<void> {
  if (header === undefined) return;
  const expected = new TextEncoder().encode(header);
  const found = await bytes.read(0, Math.min(8 + expected.length, bytes.size));
  if (headerLength(found, bytes.size) !== expected.length || expected.some((byte, i) => byte !== found[8 + i]))
    throw bad(`${bytes.name} does not begin with the header that config.json says`);
}

function compare(name: string, found: Hashes, expected: HostedFile): void {
  if (found.bytes !== expected.bytes) throw bad(`${name} has ${found.bytes} bytes; config.json says ${expected.bytes}`);
  const chunk = found.chunks.findIndex((hash, i) => hash !== expected.chunks[i]);
  if (chunk >= 0) throw bad(`chunk ${chunk} of ${name} does not have the SHA-256 that config.json says`);
  if (found.sha256 !== expected.sha256) throw bad(`${name} does not have the SHA-256 that config.json says`);
}

/** The index of shards, which is for other programs, must say what the files hold. */
async function checkIndex(folder: string, names: readonly string[], parts: readonly Checkpoint[]): Promise<void> {
  if (names.length === 1) return;
  const text = await readFile(join(folder, INDEX), 'utf8').catch(() => {
    throw bad(`${folder} has several files and no ${INDEX}`);
  });
  const holds = Object.fromEntries(parts.flatMap(({ tensors }, i) => [...tensors.keys()].map((name) => [name, names[i]])));
  let says: unknown;
  try {
    says = JSON.parse(text).weight_map;
  } catch {
    throw bad(`${INDEX} is not JSON`);
  }
  const sorted = (map: unknown) => JSON.stringify(Object.entries(map ?? {}).sort());
  if (sorted(says) !== sorted(holds)) throw bad(`${INDEX} does not say where the tensors are`);
}

/** The model's tensors, and numbers that the engine takes. */
async function checkValues(checkpoint: Checkpoint): Promise<{ form: Kind; tensors: number }> {
  const weights = inFloat32(checkpoint);
  const config = configOf(weights.tensors);
  const { tensors } = config;
  for await (const { info, data } of withCheckedBuffers(weights, tensors).read())
    if (info.dtype === 'F32') mustBeFinite(info.name, aligned(data));
  return { form: kindOf(config), tensors: checkpoint.tensors.size };
}

function bad(reason: string): FaceXFormerError {
  return new FaceXFormerError('BAD_WEIGHTS_FILE', `These weights are not whole: ${reason}.`);
}
