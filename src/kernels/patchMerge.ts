import { defineKernel, tiles } from './kernel.ts';
import wgsl from './patchMerge.wgsl';

export interface PatchMergeShape {
  /** Side of the square map that is merged, even. */
  side: number;
  channels: number;
}

export const patchMerge = defineKernel('patchMerge', wgsl, ({ side, channels }: PatchMergeShape) => ({
  constants: { SIDE: side, CHANNELS: channels },
  workgroups: [tiles((side * side * channels) / 4, 64), 1, 1],
  macs: 0,
}));
