import { defineKernel, tiles } from './kernel.ts';
import wgsl from './taskToFaceMerge.wgsl';

export interface TaskToFaceMergeShape {
  tokens: number;
  heads: number;
  shares: number;
}

export const taskToFaceMerge = defineKernel('taskToFaceMerge', wgsl, ({ tokens, heads, shares }: TaskToFaceMergeShape) => ({
  constants: { TOKENS: tokens, HEADS: heads, SHARES: shares },
  workgroups: [tiles(tokens * heads * 4, 32), 1, 1],
  macs: tokens * heads * shares * 16,
}));
