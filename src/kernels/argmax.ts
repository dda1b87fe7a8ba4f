import wgsl from './argmax.wgsl';
import { defineKernel, tiles } from './kernel.ts';

export interface ArgmaxShape {
  /** A multiple of 4. */
  pixels: number;
  classes: number;
}

export const argmax = defineKernel('argmax', wgsl, ({ pixels, classes }: ArgmaxShape) => ({
  constants: { PIXELS: pixels, CLASSES: classes },
  workgroups: [tiles(pixels, 256), 1, 1],
  macs: 0,
}));
