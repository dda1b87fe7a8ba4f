/** The ONNX export, run by onnxruntime: its parts at small sizes, and the real model, which onnx/check.mjs holds against the reference runs. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { exportOnnx, writeOnnx } from '../../onnx/export.ts';
import { Graph, type Value } from '../../onnx/graph.ts';
import { flat, float, int, message, string } from '../../onnx/protobuf.ts';
import { patchMerging, swinBlock } from '../../onnx/swin.ts';
import type { Checkpoint, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { tensorsOf } from '../../src/face/config.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { root } from '../../tools/root.ts';
import { swinBlock as reference } from './swin-reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

const f32 = (name: string, ...shape: number[]): TensorInfo => ({ name, dtype: 'F32', shape, bytes: 4 * shape.reduce((n, d) => n * d, 1) });

const blockTensors = (name: string, C: number): TensorInfo[] => [
  f32(`${name}.norm1.weight`, C),
  f32(`${name}.norm1.bias`, C),
  f32(`${name}.attn.relative_position_bias_table`, 169, C / 32),
  f32(`${name}.attn.qkv.weight`, 3 * C, C),
  f32(`${name}.attn.qkv.bias`, 3 * C),
  f32(`${name}.attn.proj.weight`, C, C),
  f32(`${name}.attn.proj.bias`, C),
  f32(`${name}.norm2.weight`, C),
  f32(`${name}.norm2.bias`, C),
  f32(`${name}.mlp.0.weight`, 4 * C, C),
  f32(`${name}.mlp.0.bias`, 4 * C),
  f32(`${name}.mlp.3.weight`, C, 4 * C),
  f32(`${name}.mlp.3.bias`, C),
];

const seeded = (infos: readonly TensorInfo[]) => seededCheckpoint(new Map(infos.map((info) => [info.name, info])), 5);

async function valuesOf(checkpoint: Checkpoint): Promise<Map<string, Float64Array>> {
  const values = new Map<string, Float64Array>();
  for await (const { info, data } of checkpoint.read()) values.set(info.name, Float64Array.from(new Float32Array(data.slice().buffer)));
  return values;
}

const wave = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(0.7 * i) + Math.cos(0.013 * i * i));

/** Builds a graph from one input, runs it, and gives its output `y`. */
async function run(
  checkpoint: Checkpoint,
  shape: number[],
  build: (g: Graph, x: Value) => Value,
): Promise<{ x: Float32Array; y: Float32Array; dims: readonly number[] }> {
  const g = new Graph(checkpoint.tensors);
  g.output('y', build(g, g.input('x', shape)));
  const path = join(folder, 'graph.onnx');
  await writeOnnx(g, checkpoint, path);
  const session = await InferenceSession.create(path, { executionProviders: ['cpu'], intraOpNumThreads: 1 });
  const x = wave(shape.reduce((n, d) => n * d, 1));
  const { y } = await session.run({ x: new Tensor('float32', x, shape) });
  await session.release();
  return { x, y: y?.data as Float32Array, dims: y?.dims ?? [] };
}

describe('the wire format', () => {
  it('writes the examples of the protocol buffers documentation', () => {
    expect([...flat(int(1, 150))]).toEqual([0x08, 0x96, 0x01]);
    expect([...flat(string(2, 'testing'))]).toEqual([0x12, 0x07, ...new TextEncoder().encode('testing')]);
    expect([...flat(message(3, int(1, 150)))]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
  });
  it("writes negative numbers in two's complement of 64 bits, floats in little-endian order", () => {
    expect([...flat(int(1, -2))]).toEqual([0x08, 0xfe, ...Array<number>(8).fill(0xff), 0x01]);
    expect([...flat(float(2, 1.5))]).toEqual([0x15, 0, 0, 0xc0, 0x3f]);
  });
});

describe('a Swin block in onnxruntime', () => {
  it.each([
    ['plain', 14, 64, false, 0],
    ['shifted', 14, 64, true, 3],
    ['shifted over nine windows', 21, 32, true, 3],
    ['not shifted where one window covers the map', 7, 64, true, 0],
  ])('%s agrees with the definition', async (_, size, channels, odd, shift) => {
    const checkpoint = seeded(blockTensors('b', channels));
    const { x, y, dims } = await run(checkpoint, [1, size, size, channels], (g, value) => swinBlock(g, value, 'b', odd));
    const weights = await valuesOf(checkpoint);
    const rows = Array.from({ length: size * size }, (_, i) => Float64Array.from(x.subarray(i * channels, (i + 1) * channels)));
    const want = reference(rows, size, shift, (name) => weights.get(`b.${name}`) as Float64Array);
    expect(dims).toEqual([1, size, size, channels]);
    expect(
      nmse(
        y,
        want.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-11);
  });

  it('merges patches in the order of the checkpoint', async () => {
    const checkpoint = seeded([f32('m.norm.weight', 128), f32('m.norm.bias', 128), f32('m.reduction.weight', 64, 128)]);
    const { x, y } = await run(checkpoint, [1, 4, 4, 32], (g, value) => patchMerging(g, value, 'm'));
    const weights = await valuesOf(checkpoint);
    const of = (name: string, i: number) => (weights.get(`m.${name}`) as Float64Array)[i] as number;
    const want: number[] = [];
    for (let at = 0; at < 4; at++) {
      const pixel = (dy: number, dx: number) => x.subarray(((2 * (at >> 1) + dy) * 4 + 2 * (at & 1) + dx) * 32).subarray(0, 32);
      const row = [...pixel(0, 0), ...pixel(1, 0), ...pixel(0, 1), ...pixel(1, 1)];
      const mean = row.reduce((sum, v) => sum + v, 0) / 128;
      const spread = Math.sqrt(row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 128 + 1e-5);
      const normal = row.map((v, i) => ((v - mean) / spread) * of('norm.weight', i) + of('norm.bias', i));
      for (let o = 0; o < 64; o++) want.push(normal.reduce((sum, v, i) => sum + v * of('reduction.weight', o * 128 + i), 0));
    }
    expect(nmse(y, want)).toBeLessThan(1e-11);
  });
});

it.each(['released', 'paper', 'convnext_b', 'resnet101', 'mobilenet_v3_large'])(
  '%s: the whole model gives the numbers of the reference run',
  (name) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'onnx/check.mjs'), name], { encoding: 'utf8' });
    expect(stdout + stderr).not.toContain('FAIL');
    expect(status).toBe(0);
  },
);

describe('exportOnnx', () => {
  it('refuses the weights of another model and leaves no file', async () => {
    const out = join(folder, 'wrong.onnx');
    await expect(exportOnnx({ checkpoint: seeded(blockTensors('b', 32)), out })).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringContaining('landmarks_token'),
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('wrong'))).toEqual([]);
  });

  it('refuses a tensor of another shape by name', async () => {
    const tensors = new Map(tensorsOf('released'));
    tensors.set('linear_fuse.weight', f32('linear_fuse.weight', 256, 512, 1, 1));
    const out = join(folder, 'wrong.onnx');
    await expect(exportOnnx({ checkpoint: seededCheckpoint(tensors), out })).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringContaining('linear_fuse.weight'),
    });
  });

  it('stops at an abort and removes what it had written', async () => {
    const out = join(folder, 'aborted.onnx');
    const aborter = new AbortController();
    const onProgress = (loaded: number) => loaded > 1e6 && aborter.abort();
    await expect(
      exportOnnx({ checkpoint: seededCheckpoint(tensorsOf('released')), out, signal: aborter.signal, onProgress }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    expect(readdirSync(folder).filter((name) => name.startsWith('aborted'))).toEqual([]);
  });
});
