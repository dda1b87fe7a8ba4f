import { type InstanceNormShape, instanceNorm } from '../../src/kernels/instanceNorm.ts';
import { relu } from './float64.ts';
import { type Bound, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

function normCase(
  name: string,
  shape: InstanceNormShape,
  value: (random: number, i: number) => number,
  bound: Bound = FLOAT32,
): KernelCase {
  const { pixels, channels, eps } = shape;
  return {
    name: `${name}: ${pixels} pixels, ${channels} channels`,
    bound,
    async run(device) {
      const x = randomValues(pixels * channels, 1).map(value);
      const y = await runKernel(device, instanceNorm, shape, { x }, x.length);
      const expected = new Float64Array(x.length);
      for (let c = 0; c < channels; c++) {
        const map = Array.from({ length: pixels }, (_, i) => x[i * channels + c] as number);
        const mean = map.reduce((a, b) => a + b, 0) / pixels;
        const variance = map.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels;
        for (const [i, v] of map.entries()) expected[i * channels + c] = relu((v - mean) / Math.sqrt(variance + eps));
      }
      return { actual: new Float32Array(y), expected };
    },
  };
}

export const cases: KernelCase[] = [
  normCase('heat maps', { pixels: 3136, channels: 80, eps: 1e-5 }, (v) => v),
  normCase('a mean far above the spread', { pixels: 3136, channels: 8, eps: 1e-5 }, (v) => 1000 + Math.round(v * 64) / 64),
  normCase('channels of their own scale', { pixels: 784, channels: 12, eps: 1e-5 }, (v, i) => v * 10 ** ((i % 12) - 6)),
  normCase('empty maps', { pixels: 196, channels: 4, eps: 1e-5 }, () => 0, 'exact'),
  normCase('fewer pixels than threads', { pixels: 9, channels: 4, eps: 1e-5 }, (v) => v),
];
