import { defineKernel, tiles } from './kernel.ts';
import wgsl from './resize.wgsl';

export interface ResizeShape {
  /** Side of the square result, in pixels. */
  size: number;
}

const WORKGROUP = 64;
/** Output rows of one thread: the file's `ROWS`. */
const ROWS = 4;

/** Pillow's exact bicubic resize of a crop of any size: one grid, whatever the crop. */
export const resize = defineKernel('resize', wgsl, ({ size }: ResizeShape) => ({
  constants: { SIZE: size },
  workgroups: [tiles(size * tiles(size, ROWS), WORKGROUP), 1, 1],
  macs: 0,
}));
