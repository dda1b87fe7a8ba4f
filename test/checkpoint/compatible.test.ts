/**
 * The same files through the npm package `safetensors` and through our reader. Ours is our own because the package (0.0.1) checks
 * nothing (overlaps, offsets outside the file, types and shapes pass), throws on every file with `__metadata__`, ignores `byteOffset`
 * of the bytes it is given, holds the whole file in memory, and has no types. What we write it must still be able to open.
 */

import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { tensorsOf } from '../../src/face/config.ts';
import { entry, fileOf } from './files.ts';

interface SafeTensorFile {
  metadata: Map<string, { dtype: string; shape: number[] }>;
  getTensor(name: string): Uint8Array;
}
// The package's ES build is not marked as a module, so Node imports only its UMD build, by require.
const { SafeTensor } = createRequire(import.meta.url)('safetensors') as { SafeTensor: new (bytes: Uint8Array) => SafeTensorFile };

it('a file that we write reads alike through both', async () => {
  const few = new Map([...tensorsOf('released')].filter(([name]) => name.startsWith('backbone.0.1.0.')));
  const pieces: Uint8Array[] = [];
  for await (const piece of safetensorsBytes(seededCheckpoint(few))) pieces.push(piece.slice());
  const file = new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());

  const theirs = new SafeTensor(file);
  const ours = await openCheckpoint(file);
  expect([...theirs.metadata].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual(
    [...ours.tensors].map(([name, { dtype, shape }]) => [name, dtype, shape]),
  );
  for await (const { info, data } of ours.read()) expect(Buffer.compare(theirs.getTensor(info.name), data), info.name).toBe(0);
});

it('what that package takes or fails on, ours does not', async () => {
  const overlap = fileOf({ a: entry('F32', [2], [0, 8]), b: entry('F31', [9], [4, 99]) }, 8);
  expect(new SafeTensor(overlap).metadata.size).toBe(2);
  await expect(openCheckpoint(overlap)).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE' });

  const hub = fileOf({ __metadata__: { format: 'pt' }, a: entry('F32', [2], [0, 8]) }, 8);
  expect(() => new SafeTensor(hub)).toThrow(TypeError);
  expect((await openCheckpoint(hub)).tensors.size).toBe(1);
});
