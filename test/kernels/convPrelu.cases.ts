import { convolved, pooled } from '../../src/detect/answer.ts';
import { convPrelu, packConv } from '../../src/kernels/convPrelu.ts';
import { channelsLast, type Entry, mapsOf, mapsWords, quads } from './maps.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

interface Shape {
  window: number;
  pool?: number;
  step?: number;
  inner: number;
  outer: number;
}

function convCase(name: string, entries: readonly Entry[], { window, pool = 1, step = 1, inner, outer }: Shape): KernelCase {
  const sizes = entries.map(({ width, height, images }) => `${images} of ${width} x ${height}`);
  return {
    name: `${name}: ${window} x ${window}, pool ${pool}/${step}, ${inner} to ${outer}, ${sizes.join(', ')}`,
    bound: FLOAT32,
    async run(device) {
      const weight = randomValues(outer * inner * window ** 2, 3);
      const bias = randomValues(outer, 4);
      const slopes = randomValues(outer, 5);
      const maps = mapsOf(entries, inner);
      const expected = maps.map((map) => {
        const made = convolved(map, weight, bias, slopes, window);
        return pool > 1 ? pooled(made, pool, step) : made;
      });
      let first = 0;
      const made = entries.map(({ images }) => {
        const { width, height } = expected[first] as (typeof expected)[number];
        first += images;
        return { images, width, height };
      });
      const w = new Float32Array(window ** 2 * quads(inner) * quads(outer));
      packConv(weight, [outer, inner, window], w);
      const b = new Float32Array(2 * quads(outer));
      b.set(bias);
      b.set(slopes, quads(outer));
      const positions = expected.reduce((sum, { width, height }) => sum + width * height, 0);
      const shape = { window, pool, step, inner: quads(inner), outer: quads(outer), positions };
      const inputs = { x: channelsLast(maps), w, b, maps: mapsWords(entries, made) };
      const y = await runKernel(device, convPrelu, shape, inputs, positions * quads(outer));
      return { actual: new Float32Array(y), expected: channelsLast(expected) };
    },
  };
}

const one = (width: number, height: number, images = 1): Entry => ({ width, height, images });

export const cases: KernelCase[] = [
  convCase('P, the first layer', [one(31, 20), one(22, 14), one(13, 13)], { window: 3, pool: 2, step: 2, inner: 3, outer: 10 }),
  convCase('P, the second layer', [one(15, 9), one(10, 6), one(6, 6)], { window: 3, inner: 10, outer: 16 }),
  convCase('R, the first layer', [one(24, 24, 3)], { window: 3, pool: 3, step: 2, inner: 3, outer: 28 }),
  convCase('O, a pooling that hangs over', [one(23, 23, 2)], { window: 3, pool: 3, step: 2, inner: 32, outer: 64 }),
  convCase('O, the last convolution', [one(4, 4, 3)], { window: 2, inner: 64, outer: 128 }),
  convCase('a dense layer', [one(3, 3, 5)], { window: 3, inner: 64, outer: 128 }),
  convCase('heads', [one(1, 1, 70)], { window: 1, inner: 128, outer: 6 }),
  convCase('a map as small as its window', [one(3, 3), one(3, 4)], { window: 3, pool: 2, step: 2, inner: 4, outer: 8 }),
];
