import { defineKernel, tiles } from './kernel.ts';
import wgsl from './tokenAttention.wgsl';

export interface TokenAttentionShape {
  tokens: number;
  /** Heads of 32 dimensions. */
  heads: number;
}

export const tokenAttention = defineKernel('tokenAttention', wgsl, ({ tokens, heads }: TokenAttentionShape) => ({
  constants: { TOKENS: tokens, HEADS: heads },
  workgroups: [tiles(tokens * heads, 64), 1, 1],
  macs: tokens * tokens * heads * 64,
}));
