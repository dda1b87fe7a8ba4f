import wgsl from './bilinearSum.wgsl';
import { defineKernel, tiles } from './kernel.ts';

export interface BilinearSumShape {
  /** Side of the finest map, a multiple of 8. */
  side: number;
  channels: number;
}

export const bilinearSum = defineKernel('bilinearSum', wgsl, ({ side, channels }: BilinearSumShape) => ({
  constants: { SIDE: side, CHANNELS: channels },
  workgroups: [tiles((side * side * channels) / 4, 64), 1, 1],
  macs: side * side * channels * 12,
}));
