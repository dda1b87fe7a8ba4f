import { type BilinearSumShape, bilinearSum } from '../../src/kernels/bilinearSum.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';

/** torch.nn.functional.interpolate(x, factor, mode='bilinear', align_corners=False) of x [side^2, channels], channels last. */
function upsampled(x: Float32Array, side: number, channels: number, factor: number): Float64Array {
  const wide = side * factor;
  const corners = (at: number): [low: number, high: number, share: number] => {
    const source = Math.max((at + 0.5) / factor - 0.5, 0);
    const low = Math.floor(source);
    return [low, Math.min(low + 1, side - 1), source - low];
  };
  return Float64Array.from({ length: wide * wide * channels }, (_, at) => {
    const c = at % channels;
    const [y0, y1, v] = corners(Math.floor(at / channels / wide));
    const [x0, x1, u] = corners(Math.floor(at / channels) % wide);
    const value = (py: number, px: number): number => x[(py * side + px) * channels + c] as number;
    return (1 - v) * ((1 - u) * value(y0, x0) + u * value(y0, x1)) + v * ((1 - u) * value(y1, x0) + u * value(y1, x1));
  });
}

function sumCase(name: string, shape: BilinearSumShape): KernelCase {
  const { images = 1, side, channels, dtype = 'f32' } = shape;
  const more = `${images > 1 ? `, ${images} images` : ''}${dtype === 'f16' ? ', float16' : ''}`;
  return {
    name: `${name}: side ${side}, ${channels} channels${more}`,
    bound: { nmse: 1e-12 },
    ...featuresOf(dtype),
    async run(device) {
      const each = (factor: number): number => (side / factor) ** 2 * channels;
      const map = (factor: number) => randomValues(images * each(factor), factor);
      const maps = { x: map(1), x2: map(2), x4: map(4), x8: map(8) };
      const inputs = Object.fromEntries(Object.entries(maps).map(([at, values]) => [at, stored(values, dtype)]));
      const y = await runKernel(device, bilinearSum, shape, inputs, images * each(1));
      const one = (i: number): number[] => {
        const of = (values: Float32Array<ArrayBuffer>) =>
          rounded(values, dtype).slice((i * values.length) / images, ((i + 1) * values.length) / images);
        const coarser = [upsampled(of(maps.x2), side / 2, channels, 2), upsampled(of(maps.x4), side / 4, channels, 4)];
        coarser.push(upsampled(of(maps.x8), side / 8, channels, 8));
        return Array.from(of(maps.x), (v, at) => coarser.reduce((sum, values) => sum + (values[at] as number), v));
      };
      return { actual: new Float32Array(y), expected: Array.from({ length: images }, (_, i) => one(i)).flat() };
    },
  };
}

export const cases: KernelCase[] = [
  sumCase('the model, fewer channels', { side: 56, channels: 64 }),
  sumCase('a coarsest map of one pixel', { side: 8, channels: 256 }),
  sumCase('a tail', { side: 24, channels: 4 }),
  sumCase('a batch', { images: 3, side: 24, channels: 4 }),
  sumCase('a batch', { images: 2, side: 16, channels: 64, dtype: 'f16' }),
];
