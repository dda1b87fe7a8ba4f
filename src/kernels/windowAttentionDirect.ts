import { defineKernel, tiles } from './kernel.ts';
import type { WindowAttentionShape } from './windowAttention.ts';
import wgsl from './windowAttentionDirect.wgsl';

export const windowAttentionDirect = defineKernel('windowAttentionDirect', wgsl, ({ side, heads, shift }: WindowAttentionShape) => ({
  constants: { SHIFT: shift },
  workgroups: [tiles((side * side * heads) / 7, 64), 1, 1],
  macs: side * side * 49 * heads * 64,
}));
