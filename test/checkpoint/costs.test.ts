import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/checkpoint/hosted.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { readConfig } from '../../src/face/config.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { expectLinearCost, type Generator } from '../cost.ts';
import { dice, fileOf } from './files.ts';
import { mutatedFile } from './mutate.ts';

const EMPTY = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
const tensors = (bytes: number, name: (i: number) => string, entry = EMPTY) => {
  const members: string[] = [];
  for (let have = 0, i = 0; have < bytes; i++) {
    const member = `${JSON.stringify(name(i))}:${entry}`;
    members.push(member);
    have += member.length;
  }
  return fileOf(`{${members.join(',')}}`);
};
const PAPER = 'face_decoder.landmarks_tokens.weight';
const stacks = 'face_decoder.landmarks_hourglass.stacks';

/** Safetensors headers, of any length, that cost a careless reader much. */
const HEADERS: Readonly<Record<string, Generator>> = {
  'tensors without end': (bytes) => tensors(bytes, (i) => `t${i}`),
  'names that begin alike': (bytes) => tensors(bytes, (i) => 'n'.repeat(1000) + i),
  'one name': (bytes) => tensors(1, () => 'n'.repeat(bytes)),
  'names of escapes': (bytes) => fileOf(`{"${'\\u0061'.repeat(bytes / 6)}":${EMPTY}}`),
  'a name that does not end': (bytes) => fileOf(`{"${'n'.repeat(bytes)}`),
  'white space': (bytes) => fileOf(`${' '.repeat(bytes)}{}`),
  'white space between': (bytes) => fileOf(`{"a":{"dtype":"F32","shape":[${' '.repeat(bytes)}],"data_offsets":[0,4]}}`, 4),
  brackets: (bytes) => fileOf('{"a":'.repeat(bytes / 5)),
  'lists in lists': (bytes) => fileOf(`{"a":{"shape":${'['.repeat(bytes)}`),
  'a number of many digits': (bytes) => fileOf(`{"a":{"dtype":"F32","shape":[${'9'.repeat(bytes)}],"data_offsets":[0,4]}}`, 4),
  'metadata without end': (bytes) => fileOf(`{"__metadata__":{${Array.from({ length: bytes / 16 }, (_, i) => `"k${i}":"v"`).join(',')}}}`),
  'shapes of 64 numbers': (bytes) => tensors(bytes, (i) => `t${i}`, `{"dtype":"F32","shape":[${Array(64).fill(0)}],"data_offsets":[0,0]}`),
  'tensors in the wrong order': (bytes) => tensors(bytes, (i) => `t${i}`, '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'),
  'scales of no tensors': (bytes) => tensors(bytes, (i) => `t${i}_scale`),
  'tensors and scales': (bytes) => tensors(bytes, (i) => `t${i >> 1}${i % 2 ? '_scale' : ''}`, EMPTY.replace('F32', 'I8')),
  'stacks of an hourglass': (bytes) => tensors(bytes, (i) => (i === 0 ? PAPER : `${stacks}.${i - 1}.conv.weight`)),
  'levels of an hourglass': (bytes) =>
    tensors(bytes, (i) => (i === 0 ? PAPER : `${stacks}.0.hourglass${'.low2'.repeat(i % 400)}.low3.conv1.weight${i < 400 ? '' : i}`)),
  'the mark of a model under many prefixes': (bytes) => tensors(bytes, (i) => `p${i}.face_decoder.landmarks_token.weight`),
  'mutated files, one after another': (bytes) => {
    const random = dice(bytes);
    const texts: string[] = [];
    for (let have = 0; have < bytes; have += texts.at(-1)?.length ?? 0)
      texts.push(
        new TextDecoder()
          .decode(mutatedFile(random).subarray(8))
          .slice(1)
          .replace(/\}[^}]*$/, ''),
      );
    return fileOf(`{${texts.filter(Boolean).join(',')}}`);
  },
};

async function read(file: Uint8Array): Promise<void> {
  try {
    const checkpoint = inFloat32(await openCheckpoint(file));
    for await (const { info, data } of checkpoint.read()) expect(data.length).toBe(info.bytes);
    readConfig(checkpoint.tensors);
  } catch (error) {
    if (!(error instanceof FaceXFormerError)) throw error;
    expect(error.message.length).toBeLessThan(3000);
  }
}

describe('the safetensors reader’s cost grows no faster than the file, for', () => {
  it.each(Object.entries(HEADERS))('%s', (_, generate) => expectLinearCost(generate, read));
});

const file = (name: string, chunks: number) => ({
  name,
  bytes: chunks * 65536,
  sha256: '0'.repeat(64),
  chunks: Array(chunks).fill('0'.repeat(64)),
});
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const CONFIGS: Readonly<Record<string, Generator>> = {
  'chunks without end': (bytes) => json({ chunk_bytes: 65536, files: [file('a', Math.floor(bytes / 70))] }),
  'files without end': (bytes) => json({ chunk_bytes: 65536, files: Array.from({ length: bytes / 160 }, (_, i) => file(`f${i}`, 1)) }),
  'names without end': (bytes) => json({ chunk_bytes: 65536, files: [file('a'.repeat(bytes), 1)] }),
  brackets: (bytes) => new TextEncoder().encode('['.repeat(bytes)),
};

describe('the cost to read a config.json grows no faster than it, for', () => {
  it.each(Object.entries(CONFIGS))('%s', (_, generate) =>
    expectLinearCost(generate, (bytes) => {
      try {
        parseConfig(bytes, 'config.json');
      } catch (error) {
        if (!(error instanceof FaceXFormerError)) throw error;
        expect(error.message.length).toBeLessThan(3000);
      }
    }),
  );
});
