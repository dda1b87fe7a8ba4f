/** A checkpoint as large as the authors' own: 368 MB of weights and 0.7 GB of what a training leaves beside them. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { convertFile } from '../../../cli/convert/convert.ts';
import { fillSeeded, seededCheckpoint } from '../../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../../src/checkpoint/write.ts';
import { tensorsOf } from '../../../src/face/config.ts';
import { wgslForEsbuild } from '../../../tools/wgsl.mjs';
import { type Entry, op, zipPieces } from './torch-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'facexformer-large-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The zip form of torch.save around seeded weights, with as much again twice over under another key. */
function* checkpointPieces(): Generator<Uint8Array> {
  const infos = [...tensorsOf('released').values()];
  const type = (dtype: string) => ({ type: dtype === 'I64' ? 'LongStorage' : 'FloatStorage' });
  const count = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);
  const state = op.dict(infos.map(({ name, shape, dtype }, i) => [name, op.tensor(String(i), count(shape), shape, type(dtype))]));
  const moments = infos.flatMap(({ shape }, i) =>
    ['a', 'b'].map((m) => [`${m}${i}`, op.tensor(`${m}${i}`, count(shape), shape)] as [string, Uint8Array]),
  );
  function* entries(): Generator<Entry> {
    const pickle = op.pickle(
      op.dict([
        ['epoch', op.int(12)],
        ['state_dict_backbone', state],
        ['optimizer', op.dict(moments)],
      ]),
    );
    yield { name: 'archive/data.pkl', data: pickle };
    for (const [i, info] of infos.entries()) {
      const data = new Uint8Array(info.bytes);
      fillSeeded(info, 20240319, data);
      yield { name: `archive/data/${i}`, data };
    }
    const nothing = new Uint8Array(Math.max(...infos.map(({ bytes }) => bytes)));
    for (const m of ['a', 'b'])
      for (const [i, { shape }] of infos.entries()) yield { name: `archive/data/${m}${i}`, data: nothing.subarray(0, 4 * count(shape)) };
  }
  yield* zipPieces(entries());
}

it('converts 1.1 GB to exactly the seeded safetensors file, in at most 400 MB of memory', { timeout: 180_000 }, async () => {
  const from = join(folder, 'model.pt');
  const to = join(folder, 'out.safetensors');
  await pipeline(Readable.from(checkpointPieces()), createWriteStream(from));
  const script = join(folder, 'convert.mjs');
  const source = fileURLToPath(new URL('../../../cli/convert/convert.ts', import.meta.url));
  const contents = `import { convertFile } from ${JSON.stringify(source)};
    await convertFile(process.argv[2], process.argv[3]);
    console.log(process.resourceUsage().maxRSS / 1000);`;
  const resolveDir = fileURLToPath(new URL('../../..', import.meta.url));
  await build({
    stdin: { contents, resolveDir },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    logLevel: 'error',
    plugins: [wgslForEsbuild],
  });
  const run = spawnSync(process.execPath, [script, from, to], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(Number(run.stdout)).toBeGreaterThan(40);
  expect(Number(run.stdout)).toBeLessThan(400);

  const expected = createHash('sha256');
  for await (const piece of safetensorsBytes(seededCheckpoint(tensorsOf('released')))) expected.update(piece);
  const found = createHash('sha256');
  for await (const piece of createReadStream(to, { highWaterMark: 4 << 20 })) found.update(piece);
  expect(found.digest('hex')).toBe(expected.digest('hex'));
});

const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch']).status === 0;

describe.skipIf(!hasTorch)('PyTorch itself', () => {
  it('loads what we convert, as the tensors that it saved', { timeout: 60_000 }, async () => {
    const from = fileURLToPath(new URL('fixtures/nested.pt', import.meta.url));
    const to = join(folder, 'back.safetensors');
    await convertFile(from, to);
    writeFileSync(
      join(folder, 'back.py'),
      `
import json, struct, sys, torch
state = torch.load(sys.argv[1], map_location="cpu")["checkpoint"]["state_dict"]
data = bytearray(open(sys.argv[2], "rb").read())
size = struct.unpack("<Q", data[:8])[0]
kinds = {"F32": torch.float32, "I64": torch.int64}
header = json.loads(data[8 : 8 + size])
for name, t in header.items():
    a, b = t["data_offsets"]
    raw = bytearray(data[8 + size + a : 8 + size + b])
    ours = torch.frombuffer(raw, dtype=kinds[t["dtype"]]).reshape(t["shape"]) if raw else torch.zeros(t["shape"])
    theirs = state["module." + name].detach()
    assert torch.equal(ours, theirs if theirs.dtype == torch.int64 else theirs.float()), name
assert len(header) == len(state)
print("equal", len(header))
`,
    );
    const run = spawnSync(python, [join(folder, 'back.py'), from, to], { encoding: 'utf8' });
    expect(`${run.stdout}${run.stderr}`).toBe('equal 15\n');
    expect(readFileSync(to).length).toBeGreaterThan(1000);
  });
});
