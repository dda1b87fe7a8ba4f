import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeWeights } from '../../../cli/convert/describe.ts';
import { type HostedFiles, shardCheckpoint } from '../../../cli/convert/host.ts';
import { isReducible, reduced } from '../../../cli/convert/reduce.ts';
import { verify } from '../../../cli/convert/verify.ts';
import { weightCache } from '../../../src/checkpoint/cache.ts';
import { openCheckpoint } from '../../../src/checkpoint/open.ts';
import { fillSeeded, seededCheckpoint } from '../../../src/checkpoint/seeded.ts';
import { inFloat32, toFloat32 } from '../../../src/checkpoint/values.ts';
import { tensorsOf } from '../../../src/face/config.ts';
import { hostedServer } from '../../checkpoint/hosted-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'facexformer-host-'));
const at = (name: string) => join(folder, name);
let made: HostedFiles;
beforeAll(async () => {
  const checkpoint = reduced(inFloat32(seededCheckpoint(tensorsOf('released'), 7)), 'int8');
  made = await shardCheckpoint(checkpoint, folder, { maxBytes: 30e6, source: 'seeded 7' });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs with a file changed, and puts it back. */
async function withChange(name: string, change: (path: string) => void, run: () => Promise<void>): Promise<void> {
  const kept = readFileSync(at(name));
  try {
    change(at(name));
    await run();
  } finally {
    writeFileSync(at(name), kept);
  }
}

const flip = (index: number) => (path: string) => {
  const bytes = readFileSync(path);
  bytes[index] = 255 - (bytes[index] as number);
  writeFileSync(path, bytes);
};

describe('weights laid out for hosting', () => {
  it('are shards within the bound, an index, and a config.json that says what they are', () => {
    const shards = [1, 2, 3, 4].map((i) => `model-0000${i}-of-00004.safetensors`);
    expect(readdirSync(folder).sort()).toEqual(['config.json', ...shards, 'model.safetensors.index.json'].sort());
    for (const shard of shards) expect(statSync(at(shard)).size).toBeLessThanOrEqual(30e6);
    const config = JSON.parse(readFileSync(at('config.json'), 'utf8'));
    expect(config).toMatchObject({ model_type: 'facexformer', form: 'released', dtype: 'int8', source: 'seeded 7', chunk_bytes: 16777216 });
    expect(config.quantization_config).toMatchObject({ format: 'int-quantized', strategy: 'channel' });
    expect(config.tasks).not.toContain('expression');
    expect(config.labels.attributes.length).toBe(40);
    expect(config.files).toEqual(made.files);
    const index = JSON.parse(readFileSync(at('model.safetensors.index.json'), 'utf8'));
    expect(Object.keys(index.weight_map).length).toBe(505 + 163);
    expect(index.weight_map['backbone.0.0.0.weight']).toBe(shards[0]);
  });

  it('verify, and describe themselves', async () => {
    expect(await verify(folder)).toMatchObject({ form: 'released', tensors: 668 });
    const lines = await describeWeights(folder);
    expect(lines.at(-1)).toMatch(/^released form; tasks: segmentation, .*race$/);
    expect(lines.join('\n')).toContain(made.files[0]?.sha256);
  }, 60_000);

  it.each<[string, string, (path: string) => void, RegExp]>([
    ['a flipped bit', 'model-00002-of-00004.safetensors', flip(17_000_000), /chunk 1 of .*model-00002.* SHA-256/],
    ['a shard cut short', 'model-00003-of-00004.safetensors', (path) => truncateSync(path, 1000), /has 1000 bytes; config\.json says/],
    ['an index that lies', 'model.safetensors.index.json', (path) => writeFileSync(path, '{"weight_map":{}}'), /does not say where/],
    ['an index that is none', 'model.safetensors.index.json', (path) => writeFileSync(path, 'x'), /not JSON/],
    ['no index', 'model.safetensors.index.json', (path) => rmSync(path), /several files and no model\.safetensors\.index\.json/],
    [
      'another hash in config.json',
      'config.json',
      (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(/"sha256": ".{8}/, '"sha256": "00000000')),
      /00001-of-00004\.safetensors does not have the SHA-256 that config\.json says/,
    ],
    [
      'a config.json without hashes',
      'config.json',
      (path) => writeFileSync(path, '{"files":[{"name":"x"}],"chunk_bytes":65536}'),
      /no bytes or sha256/,
    ],
    [
      "a header in config.json that is not the file's",
      'config.json',
      (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('data_offsets', 'data_offsetz')),
      /does not begin with the header/,
    ],
  ])('do not verify with %s', async (_, name, change, says) => {
    await withChange(name, change, async () => {
      await expect(verify(folder)).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(says) });
    });
  });

  it('load from a server as the weights that went in, rounded', async () => {
    const names = ['config.json', ...made.files.map(({ name }) => name)];
    const server = await hostedServer(Object.fromEntries(names.map((name) => [name, readFileSync(at(name))])));
    try {
      const checkpoint = inFloat32(await openCheckpoint(server.url, { retry: { delay: 1 } }));
      const described = tensorsOf('released');
      let worst = 0;
      for await (const { info, data } of checkpoint.read()) {
        if (!/^backbone\.0\.[01]\.|output_upscaling|_tokens?\.|^linear_c/.test(info.name) || info.dtype !== 'F32') continue;
        const exact = new Float32Array(info.bytes / 4);
        fillSeeded(described.get(info.name) ?? info, 7, new Uint8Array(exact.buffer));
        const values = toFloat32(info, data);
        const largest = exact.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        const error = values.reduce((most, v, i) => Math.max(most, Math.abs(v - (exact[i] as number))), 0) / largest;
        if (isReducible(info)) worst = Math.max(worst, error);
        else expect(error, info.name).toBe(0);
      }
      expect(worst).toBeGreaterThan(0.002);
      expect(worst).toBeLessThan(0.5001 / 127);
    } finally {
      await server.close();
      await weightCache.clear();
    }
  }, 60_000);
});

it('weights of another model are not hosted, and a folder without config.json is no hosted one', async () => {
  const other = new Map([['w', { name: 'w', dtype: 'F32', shape: [1], bytes: 4 } as const]]);
  await expect(shardCheckpoint(seededCheckpoint(other), join(folder, 'other'), {})).rejects.toMatchObject({ code: 'WRONG_WEIGHTS' });
  await expect(verify(tmpdir())).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE' });
  await expect(verify(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
});

it('a PyTorch file is described by its keys', async () => {
  const lines = await describeWeights(fileURLToPath(new URL('fixtures/nested.pt', import.meta.url)));
  expect(lines.slice(0, 7)).toEqual([
    'PyTorch, zip form, 4467 bytes; at the top:',
    '  epoch: 3',
    '  args: argparse.Namespace',
    '  numbers: list of 6',
    '  best: numpy.core.multiarray.scalar',
    '  checkpoint: dict of 1',
    '',
  ]);
  expect(lines).toContain('15 tensors at checkpoint.state_dict');
  expect(lines.at(-1)).toMatch(/^WRONG_WEIGHTS: These weights are not FaceXFormer's/);
});

it('a later run into the folder that is broken off leaves the one before it', async () => {
  const before = readdirSync(folder).sort();
  const aborter = new AbortController();
  const onProgress = (loaded: number) => loaded > 200e6 && aborter.abort(); // when the first two files are whole
  const checkpoint = reduced(inFloat32(seededCheckpoint(tensorsOf('released'), 8)), 'int8');
  const later = shardCheckpoint(checkpoint, folder, { maxBytes: 30e6, signal: aborter.signal, onProgress });
  await expect(later).rejects.toMatchObject({ code: 'ABORTED' });
  expect(readdirSync(folder).sort()).toEqual(before);
  expect(await verify(folder)).toMatchObject({ form: 'released' });
  const fresh = at('fresh');
  await expect(shardCheckpoint(checkpoint, fresh, { maxBytes: 30e6, signal: aborter.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(existsSync(fresh)).toBe(false);
});

it('a later run into the folder takes the files of the one before it away, and no others', async () => {
  writeFileSync(at('model-00009-of-00009.safetensors'), 'nobody listed this');
  const checkpoint = reduced(inFloat32(seededCheckpoint(tensorsOf('released'), 7)), 'int8');
  const { files, removed } = await shardCheckpoint(checkpoint, folder, {});
  expect(files.map(({ name }) => name)).toEqual(['model.safetensors']);
  expect(removed).toEqual([...made.files.map(({ name }) => name), 'model.safetensors.index.json']);
  const there = readdirSync(folder);
  expect(there).toEqual(expect.arrayContaining(['config.json', 'model.safetensors', 'model-00009-of-00009.safetensors']));
  expect(there.filter((name) => removed.includes(name))).toEqual([]);
  expect(await verify(folder)).toMatchObject({ form: 'released' });
});
