import { bilinearSum } from '../../src/kernels/bilinearSum.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

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

function sumCase(name: string, side: number, channels: number): KernelCase {
  return {
    name: `${name}: side ${side}, ${channels} channels`,
    bound: { nmse: 1e-12 },
    async run(device) {
      const map = (factor: number): Float32Array => randomValues((side / factor) ** 2 * channels, factor);
      const [x, x2, x4, x8] = [map(1), map(2), map(4), map(8)] as const;
      const y = await runKernel(device, bilinearSum, { side, channels }, { x, x2, x4, x8 }, side * side * channels);
      const [from2, from4, from8] = [
        upsampled(x2, side / 2, channels, 2),
        upsampled(x4, side / 4, channels, 4),
        upsampled(x8, side / 8, channels, 8),
      ];
      const sum = (v: number, i: number): number => v + (from2[i] as number) + (from4[i] as number) + (from8[i] as number);
      return { actual: new Float32Array(y), expected: Float64Array.from(x, sum) };
    },
  };
}

export const cases: KernelCase[] = [
  sumCase('the model, fewer channels', 56, 64),
  sumCase('a coarsest map of one pixel', 8, 256),
  sumCase('a tail', 24, 4),
];
