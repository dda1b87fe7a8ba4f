import type { Dtype } from '../../src/kernels/kernel.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import { SQUEEZED, type SqueezeShape, squeeze } from '../../src/kernels/squeeze.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';

/** The first layer of what each 16 channels have as their means: added up they are W mean(x). */
function squeezeCase(name: string, shape: SqueezeShape, dtype: Dtype = 'f32'): KernelCase {
  const { images = 1, pixels, channels, hidden } = shape;
  const shares = channels / SQUEEZED;
  return {
    name: `${name}: ${images} x ${pixels} x ${channels} to ${hidden}${dtype === 'f16' ? ', float16' : ''}`,
    bound: FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const x = randomValues(images * pixels * channels, 1).map((v, i) => v + (i % channels) / channels);
      const weight = randomValues(hidden * channels, 2);
      const inputs = { x: stored(x, dtype), w: stored(transposed(weight, hidden, new Float32Array(weight.length)), dtype) };
      const y = await runKernel(device, squeeze, { ...shape, dtype }, inputs, images * shares * hidden);
      const [values, factors] = [rounded(x, dtype), rounded(weight, dtype)];
      const expected = Float64Array.from({ length: images * shares * hidden }, (_, i) => {
        const [n, share, image] = [i % hidden, Math.floor(i / hidden) % shares, Math.floor(i / hidden / shares)];
        let sum = 0;
        for (let c = share * SQUEEZED; c < (share + 1) * SQUEEZED; c++) {
          let mean = 0;
          for (let p = 0; p < pixels; p++) mean += (values[(image * pixels + p) * channels + c] as number) / pixels;
          sum += mean * (factors[n * channels + c] as number);
        }
        return sum;
      });
      return { actual: new Float32Array(y), expected };
    },
  };
}

export const cases: KernelCase[] = [
  squeezeCase('MobileNet, first', { pixels: 784, channels: 80, hidden: 24 }),
  squeezeCase('MobileNet, last', { pixels: 49, channels: 960, hidden: 240 }),
  squeezeCase('of a picture of 512, two images', { images: 2, pixels: 1024, channels: 128, hidden: 32 }),
  squeezeCase('one pixel', { pixels: 1, channels: 16, hidden: 8 }),
  squeezeCase('MobileNet', { images: 2, pixels: 196, channels: 480, hidden: 120 }, 'f16'),
];
