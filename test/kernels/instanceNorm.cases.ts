import { type InstanceNormShape, instanceNorm, instanceNormSmall } from '../../src/kernels/instanceNorm.ts';
import { relu } from './float64.ts';
import { type Bound, FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

function normCase(
  name: string,
  shape: InstanceNormShape,
  value: (random: number, i: number) => number,
  bound: Bound = shape.dtype === 'f16' ? FLOAT16 : FLOAT32,
  kernel = instanceNorm,
): KernelCase {
  const { images = 1, pixels, channels, eps, dtype = 'f32' } = shape;
  const more = `${images > 1 ? `, ${images} images` : ''}${dtype === 'f16' ? ', float16' : ''}`;
  return {
    name: `${name}: ${pixels} pixels, ${channels} channels${more}`,
    bound,
    ...featuresOf(dtype),
    async run(device) {
      const values = randomValues(images * pixels * channels, 1).map(value);
      const y = await runKernel(device, kernel, shape, { x: stored(values, dtype) }, values.length, dtype);
      const x = rounded(values, dtype);
      const expected = new Float64Array(x.length);
      for (let at = 0; at < images * channels; at++) {
        const first = Math.floor(at / channels) * pixels * channels + (at % channels);
        const map = Array.from({ length: pixels }, (_, i) => x[first + i * channels] as number);
        const mean = map.reduce((a, b) => a + b, 0) / pixels;
        const variance = map.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels;
        for (const [i, v] of map.entries()) expected[first + i * channels] = relu((v - mean) / Math.sqrt(variance + eps));
      }
      return { actual: numbersOf(y, dtype), expected };
    },
  };
}

/** A channel with one number that is none has no numbers at all: they must not become zeros. */
const lost: KernelCase = {
  name: 'a channel that holds no number',
  bound: 'exact',
  async run(device) {
    const [pixels, channels] = [196, 4];
    const x = randomValues(pixels * channels, 1);
    x[40 * channels + 2] = Number.NaN;
    const y = numbersOf(await runKernel(device, instanceNorm, { pixels, channels, eps: 1e-5 }, { x }, x.length), 'f32');
    const count = (channel: number) => Array.from(y).filter((v, i) => i % channels === channel && Number.isNaN(v)).length;
    return { actual: [0, 1, 2, 3].map(count), expected: [0, 0, pixels, 0] };
  },
};

export const cases: KernelCase[] = [
  lost,
  normCase('heat maps', { pixels: 3136, channels: 80, eps: 1e-5 }, (v) => v),
  normCase('a mean far above the spread', { pixels: 3136, channels: 8, eps: 1e-5 }, (v) => 1000 + Math.round(v * 64) / 64),
  normCase('channels of their own scale', { pixels: 784, channels: 12, eps: 1e-5 }, (v, i) => v * 10 ** ((i % 12) - 6)),
  normCase('empty maps', { pixels: 196, channels: 4, eps: 1e-5 }, () => 0, 'exact'),
  normCase('fewer pixels than threads', { pixels: 9, channels: 4, eps: 1e-5 }, (v) => v),
  normCase('a pixel at a time', { images: 2, pixels: 300, channels: 8, eps: 1e-5 }, (v) => v, FLOAT32, instanceNormSmall),
  normCase('a batch, each image of its own scale', { images: 3, pixels: 196, channels: 8, eps: 1e-5 }, (v, i) => v + Math.floor(i / 1568)),
  normCase('heat maps', { images: 2, pixels: 3136, channels: 16, eps: 1e-5, dtype: 'f16' }, (v) => v),
];
