import { defineKernel, tiles } from './kernel.ts';
import wgsl from './parsing.wgsl';

export interface ParsingShape {
  /** Side of the map before its two 2x2 upscalings. */
  side: number;
  classes: number;
}

export const parsing = defineKernel('parsing', wgsl, ({ side, classes }: ParsingShape) => ({
  constants: { SIDE: side, CLASSES: classes },
  workgroups: [tiles(16 * side * side, 64), 1, 1],
  macs: 16 * side * side * classes * 32,
}));
