/** Checkpoints of every encoder as PyTorch saves them, at their real size. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { convertFile } from '../../../cli/convert/convert.ts';
import type { TensorList } from '../../../src/checkpoint/checkpoint.ts';
import { DEFAULT_SEED, fillSeeded, seededCheckpoint } from '../../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../../src/checkpoint/write.ts';
import { tensorsOf } from '../../../src/face/config.ts';
import { ENCODERS } from '../../../src/model/backbones/index.ts';
import { type Entry, op, zipPieces } from './torch-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facexformer-encoders-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The zip form of torch.save around seeded weights, under the key and the words that a training puts before the names. */
function* entries(tensors: TensorList): Generator<Entry> {
  const infos = [...tensors.values()];
  const state = infos.map(({ name, shape, dtype }, i): [string, Uint8Array] => {
    const count = shape.reduce((n, d) => n * d, 1);
    return [`module.${name}`, op.tensor(String(i), count, shape, { type: dtype === 'I64' ? 'LongStorage' : 'FloatStorage' })];
  });
  yield { name: 'archive/data.pkl', data: op.pickle(op.dict([['state_dict_backbone', op.dict(state)]])) };
  for (const [i, info] of infos.entries()) {
    const data = new Uint8Array(info.bytes);
    fillSeeded(info, DEFAULT_SEED, data);
    yield { name: `archive/data/${i}`, data };
  }
}

async function sha256(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

it.each(ENCODERS.slice(1))('the paper form on %s becomes its seeded safetensors file', async (backbone) => {
  const [from, to] = [join(folder, 'model.pt'), join(folder, 'out.safetensors')];
  const tensors = tensorsOf('paper', { backbone });
  await pipeline(Readable.from(zipPieces(entries(tensors))), createWriteStream(from));
  expect(await convertFile(from, to)).toMatchObject({ form: 'paper', tensors: tensors.size });
  expect(await sha256(createReadStream(to))).toBe(await sha256(safetensorsBytes(seededCheckpoint(tensors))));
});
