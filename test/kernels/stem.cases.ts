import { normaliseLookup } from '../../src/image/resize.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import { type StemShape, stem } from '../../src/kernels/stem.ts';
import { finished } from './float64.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

/** torch.nn.Conv2d(3, channels, kernel, stride=2, padding=kernel // 2) of one image's numbers, then the activation; [side * side, channels] */
function convolved(shape: StemShape, numberAt: (colour: number, y: number, x: number) => number, weight: Float32Array, bias: Float32Array) {
  const { side, channels, kernel, activation } = shape;
  const reach = (kernel - 1) / 2;
  return Float64Array.from({ length: side * side * channels }, (_, i) => {
    const [n, px, py] = [i % channels, Math.floor(i / channels) % side, Math.floor(i / channels / side)];
    let sum = bias[n] as number;
    for (let c = 0; c < 3; c++)
      for (let dy = 0; dy < kernel; dy++)
        for (let dx = 0; dx < kernel; dx++) {
          const [y, x] = [2 * py + dy - reach, 2 * px + dx - reach];
          if (y < 0 || x < 0 || y >= 2 * side || x >= 2 * side) continue;
          sum += numberAt(c, y, x) * (weight[((n * 3 + c) * kernel + dy) * kernel + dx] as number);
        }
    return finished(activation, sum);
  });
}

function stemCase(name: string, shape: StemShape, dtype: Dtype = 'f32'): KernelCase {
  const { images = 1, side, channels, kernel, activation = 'none' } = shape;
  return {
    name: `${name}: ${kernel}x${kernel} to ${images} x ${side} x ${side} x ${channels}, ${activation}${dtype === 'f16' ? ', float16' : ''}`,
    bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const all = 4 * side * side;
      const pixels = Uint32Array.from(randomValues(images * all, 1), (v) => (v + 1) * 2 ** 31);
      const lookup = normaliseLookup();
      const weight = randomValues(channels * 3 * kernel ** 2, 2);
      const b = randomValues(channels, 3);
      const w = stored(transposed(weight, channels, new Float32Array(weight.length)), dtype);
      const given = { ...shape, dtypes: { weight: dtype, output: dtype } };
      const y = await runKernel(device, stem, given, { x: pixels, lookup, w, b }, images * side * side * channels, dtype);
      const exact = rounded(weight, dtype);
      const expected = Array.from({ length: images }, (_, image) => {
        const numberAt = (c: number, row: number, column: number) =>
          lookup[c * 256 + (((pixels[image * all + row * 2 * side + column] as number) >>> (8 * c)) & 255)] as number;
        return [...convolved(shape, numberAt, exact, b)];
      }).flat();
      return { actual: numbersOf(y, dtype), expected };
    },
  };
}

export const cases: KernelCase[] = [
  stemCase('ResNet', { side: 112, channels: 64, kernel: 7, activation: 'relu' }),
  stemCase('MobileNet', { side: 112, channels: 16, kernel: 3, activation: 'hardSwish' }),
  stemCase('two images that fill no workgroup', { images: 2, side: 9, channels: 64, kernel: 7, activation: 'relu' }),
  stemCase('one pixel', { side: 1, channels: 4, kernel: 7 }),
  stemCase('MobileNet', { side: 16, channels: 16, kernel: 3, activation: 'hardSwish' }, 'f16'),
];
