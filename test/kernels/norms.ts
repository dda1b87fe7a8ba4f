import type { Kernel } from '../../src/kernels/kernel.ts';
import type { LayerNormShape } from '../../src/kernels/layerNormDirect.ts';
import { gelu } from './float64.ts';
import { type Bound, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { layerNorm } from './streams.ts';

/** `value` makes element c of row r from a random value in [-1, 1). */
function normCase(
  kernel: Kernel<LayerNormShape>,
  name: string,
  shape: LayerNormShape,
  value: (random: number, r: number, c: number) => number = (v) => v,
  bound: Bound = FLOAT32,
): KernelCase {
  const { rows, channels } = shape;
  return {
    name: `${name}: ${rows} x ${channels}`,
    bound,
    async run(device) {
      const x = randomValues(rows * channels, rows).map((v, i) => value(v, Math.floor(i / channels), i % channels));
      const [g, b] = [randomValues(channels, 2).map((v) => v + 1), randomValues(channels, 3)];
      const y = await runKernel(device, kernel, shape, { x, g, b }, rows * channels);
      const expected = layerNorm(x, g, b, shape.eps);
      return { actual: new Float32Array(y), expected: shape.gelu ? expected.map(gelu) : expected };
    },
  };
}

const eps = 1e-5;
const tight = { nmse: 1e-12 };

type Arguments = Parameters<typeof normCase> extends [unknown, ...infer Rest] ? Rest : never;

export function normCases(kernel: Kernel<LayerNormShape>): KernelCase[] {
  const of = (...rest: Arguments): KernelCase => normCase(kernel, ...rest);
  return [
    of('Swin stage 1', { rows: 3136, channels: 128, eps }, undefined, tight),
    of('Swin stage 4', { rows: 49, channels: 1024, eps }, undefined, tight),
    of('patch merging', { rows: 49, channels: 2048, eps }, undefined, tight),
    of('tokens', { rows: 18, channels: 256, eps }, undefined, tight),
    of('paper form tokens', { rows: 95, channels: 256, eps }, undefined, tight),
    of('upscaling, GELU after it', { rows: 3136, channels: 64, eps: 1e-6, gelu: true }, undefined, tight),
    of('one row', { rows: 1, channels: 4, eps }, undefined, tight),
    of('lanes with nothing to do', { rows: 5, channels: 36, eps }, undefined, tight),
    of('one element 1e4 times the rest', { rows: 21, channels: 512, eps }, (v, r, c) => (c === 7 * r ? 1e4 : v)),
    of('a mean 100 times the spread', { rows: 21, channels: 256, eps }, (v) => 60 + v),
    of('a mean and two massive elements', { rows: 21, channels: 512, eps }, (v, _, c) => 60 + v * (c % 256 === 9 ? 30 : 1)),
    of('eps matters: a spread of 1e-3', { rows: 9, channels: 128, eps }, (v) => 1e-3 * v),
    of('large values', { rows: 9, channels: 128, eps }, (v) => 1e6 * v, tight),
    of('constant rows', { rows: 9, channels: 128, eps }, (_, r) => r),
  ];
}
