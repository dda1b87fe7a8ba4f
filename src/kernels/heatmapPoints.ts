import { inRows, sum } from './answer.ts';
import wgsl from './heatmapPoints.wgsl';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';

export interface HeatmapPointsShape extends Images {
  side: number;
  /** Columns of a row of x, a multiple of 4; the first `points` of them are heat maps. */
  channels: number;
  points: number;
  /** How x is stored; float32 by default. The points are float32. */
  dtype?: Dtype;
}

export const heatmapPoints = defineKernel(
  'heatmapPoints',
  [wgsl, finite],
  ({ images = 1, side, channels, points, dtype = 'f32' }: HeatmapPointsShape) => ({
    constants: { SIDE: side, CHANNELS: channels, POINTS: points },
    machine: { elem: dtype },
    workgroups: [tiles(points, 4), 1, images],
    macs: images * side * side * points * 3,
  }),
  ({ side, channels }, { x }) =>
    inRows(2, (point, axis) => {
      const total = (factor: (pixel: number) => number) => sum(side * side, (pixel) => x(pixel * channels + point) * factor(pixel));
      const along = total((pixel) => ((axis ? Math.floor(pixel / side) : pixel % side) * 2) / (side - 1) - 1);
      return (
        along /
        Math.max(
          total(() => 1),
          1e-6,
        )
      );
    }),
);
