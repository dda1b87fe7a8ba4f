import wgsl from './averageCrops.wgsl';
import { linesOf } from './convPrelu.ts';
import { defineKernel } from './kernel.ts';

export interface AverageCropsShape {
  /** Pixels of all results together. */
  positions: number;
}

/** Crops of a picture by area averaging, as a detector's numbers: sizes are data. */
export const averageCrops = defineKernel('averageCrops', wgsl, ({ positions }: AverageCropsShape) => ({
  constants: {},
  workgroups: linesOf(positions),
  macs: 0,
}));

/** Elements of a crop in the binding `crops`. */
export const CROP_ELEMENTS = 7;
