import { type HeatmapPointsShape, heatmapPoints } from '../../src/kernels/heatmapPoints.ts';
import { type Bound, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

function pointsCase(
  name: string,
  shape: HeatmapPointsShape,
  value: (random: number, i: number) => number,
  bound: Bound = FLOAT32,
): KernelCase {
  const { side, channels, points } = shape;
  return {
    name: `${name}: ${points} of ${channels} maps of ${side} x ${side}`,
    bound,
    async run(device) {
      const x = randomValues(side * side * channels, 1).map(value);
      const y = await runKernel(device, heatmapPoints, shape, { x }, 2 * points);
      const grid = (i: number): number => -1 + (2 * i) / (side - 1);
      const expected = new Float64Array(2 * points);
      for (let n = 0; n < points; n++) {
        let [sum, sumX, sumY] = [0, 0, 0];
        for (let i = 0; i < side * side; i++) {
          const h = x[i * channels + n] as number;
          sum += h;
          sumX += h * grid(i % side);
          sumY += h * grid(Math.floor(i / side));
        }
        expected.set([sumX / Math.max(sum, 1e-6), sumY / Math.max(sum, 1e-6)], 2 * n);
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
];
