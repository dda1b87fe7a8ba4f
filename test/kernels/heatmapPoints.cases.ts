import { type HeatmapPointsShape, heatmapPoints } from '../../src/kernels/heatmapPoints.ts';
import { type Bound, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';

function pointsCase(
  name: string,
  shape: HeatmapPointsShape,
  value: (random: number, i: number) => number,
  bound: Bound = FLOAT32,
): KernelCase {
  const { images = 1, side, channels, points, dtype = 'f32' } = shape;
  const more = `${images > 1 ? `, ${images} images` : ''}${dtype === 'f16' ? ', float16' : ''}`;
  return {
    name: `${name}: ${points} of ${channels} maps of ${side} x ${side}${more}`,
    bound,
    ...featuresOf(dtype),
    async run(device) {
      const values = randomValues(images * side * side * channels, 1).map(value);
      const y = await runKernel(device, heatmapPoints, shape, { x: stored(values, dtype) }, images * 2 * points);
      const x = rounded(values, dtype);
      const grid = (i: number): number => -1 + (2 * i) / (side - 1);
      const expected = new Float64Array(images * 2 * points);
      for (let at = 0; at < images * points; at++) {
        let [sum, sumX, sumY] = [0, 0, 0];
        for (let i = 0; i < side * side; i++) {
          const h = x[(Math.floor(at / points) * side * side + i) * channels + (at % points)] as number;
          sum += h;
          sumX += h * grid(i % side);
          sumY += h * grid(Math.floor(i / side));
        }
        expected.set([sumX / Math.max(sum, 1e-6), sumY / Math.max(sum, 1e-6)], 2 * at);
      }
      return { actual: new Float32Array(y), expected };
    },
  };
}

const paper = { side: 56, channels: 80, points: 68 };

export const cases: KernelCase[] = [
  pointsCase('heat maps', paper, (v) => Math.max(v, 0)),
  pointsCase('one hot pixel a map', paper, (_, i) => (Math.floor(i / 80) === (i % 80) * 45 ? 3 : 0)),
  pointsCase('nothing hot', { side: 7, channels: 4, points: 4 }, () => 0, 'exact'),
  pointsCase('sums below the floor', { side: 7, channels: 8, points: 6 }, (v) => Math.max(v, 0) * 1e-9),
  pointsCase('more columns than maps', { side: 12, channels: 16, points: 5 }, (v) => Math.max(v, 0)),
  pointsCase('a batch', { images: 3, side: 12, channels: 16, points: 5 }, (v) => Math.max(v, 0)),
  pointsCase('heat maps', { images: 2, ...paper, dtype: 'f16' }, (v) => Math.max(v, 0)),
];
