import { patchMerge } from '../../src/kernels/patchMerge.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

/** torchvision's: cat([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]], -1) of x [side][side][channels] */
function merged(x: Float32Array, side: number, channels: number): number[] {
  const every2 = (dy: number, dx: number, py: number, px: number): Float32Array => {
    const start = ((2 * py + dy) * side + 2 * px + dx) * channels;
    return x.subarray(start, start + channels);
  };
  const y: number[] = [];
  for (let py = 0; py < side / 2; py++)
    for (let px = 0; px < side / 2; px++)
      y.push(...every2(0, 0, py, px), ...every2(1, 0, py, px), ...every2(0, 1, py, px), ...every2(1, 1, py, px));
  return y;
}

function mergeCase(name: string, side: number, channels: number): KernelCase {
  return {
    name: `${name}: ${side} x ${side} x ${channels}`,
    bound: 'exact',
    async run(device) {
      const x = randomValues(side * side * channels, 1);
      const y = await runKernel(device, patchMerge, { side, channels }, { x }, x.length);
      return { actual: new Float32Array(y), expected: merged(x, side, channels) };
    },
  };
}

export const cases: KernelCase[] = [
  mergeCase('after stage 1', 56, 128),
  mergeCase('after stage 3', 14, 512),
  mergeCase('one patch', 2, 4),
  mergeCase('a tail', 6, 20),
];
