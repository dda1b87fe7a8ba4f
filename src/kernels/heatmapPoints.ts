import wgsl from './heatmapPoints.wgsl';
import { defineKernel, tiles } from './kernel.ts';

export interface HeatmapPointsShape {
  side: number;
  /** Columns of a row of x, a multiple of 4; the first `points` of them are heat maps. */
  channels: number;
  points: number;
}

export const heatmapPoints = defineKernel('heatmapPoints', wgsl, ({ side, channels, points }: HeatmapPointsShape) => ({
  constants: { SIDE: side, CHANNELS: channels, POINTS: points },
  workgroups: [tiles(points, 4), 1, 1],
  macs: side * side * points * 3,
}));
