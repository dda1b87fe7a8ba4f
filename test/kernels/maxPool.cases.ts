import type { Dtype } from '../../src/kernels/kernel.ts';
import { type MaxPoolShape, maxPool } from '../../src/kernels/maxPool.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

function poolCase(name: string, shape: MaxPoolShape, dtype: Dtype = 'f32'): KernelCase {
  const { images = 1, side, channels } = shape;
  const all = 2 * side;
  return {
    name: `${name}: ${images} x ${side} x ${side} x ${channels}${dtype === 'f16' ? ', float16' : ''}`,
    bound: 'exact',
    ...featuresOf(dtype),
    async run(device) {
      const x = randomValues(images * all * all * channels, 1).map((v) => v - 1); // nothing is positive: zeros beyond the edge would show
      const y = await runKernel(device, maxPool, { ...shape, dtype }, { x: stored(x, dtype) }, images * side * side * channels, dtype);
      const values = rounded(x, dtype);
      const expected = Float32Array.from({ length: images * side * side * channels }, (_, i) => {
        const [c, pixel] = [i % channels, Math.floor(i / channels)];
        const [px, py, image] = [pixel % side, Math.floor(pixel / side) % side, Math.floor(pixel / side / side)];
        let highest = Number.NEGATIVE_INFINITY;
        for (let row = Math.max(2 * py - 1, 0); row <= 2 * py + 1; row++)
          for (let column = Math.max(2 * px - 1, 0); column <= 2 * px + 1; column++)
            highest = Math.max(highest, values[((image * all + row) * all + column) * channels + c] as number);
        return highest;
      });
      return { actual: numbersOf(y, dtype), expected };
    },
  };
}

export const cases: KernelCase[] = [
  poolCase('ResNet', { side: 56, channels: 64 }),
  poolCase('two images that fill no workgroup', { images: 2, side: 3, channels: 20 }),
  poolCase('one pixel', { side: 1, channels: 4 }),
  poolCase('ResNet', { images: 2, side: 8, channels: 64 }, 'f16'),
];
