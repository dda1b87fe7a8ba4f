import { defineKernel, type Launch } from './kernel.ts';
import type { WindowAttentionShape } from './windowAttention.ts';
import wgsl from './windowAttentionScores.wgsl';

export const windowAttentionScores = defineKernel(
  'windowAttentionScores',
  wgsl,
  ({ images = 1, side, heads, shift, dtype = 'f32' }: WindowAttentionShape): Launch => ({
    constants: { SIDE: side, HEADS: heads, SHIFT: shift },
    machine: { elem: dtype },
    workgroups: [(side / 7) ** 2, heads, images],
    macs: images * side * side * 49 * heads * 64,
  }),
);
