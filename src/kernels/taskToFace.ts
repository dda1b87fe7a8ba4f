import { defineKernel, tiles } from './kernel.ts';
import wgsl from './taskToFace.wgsl';

export interface TaskToFaceShape {
  tokens: number;
  keys: number;
  heads: number;
  /** Row stride of k in floats; k starts at column 0 of its tensor. */
  kStride: number;
  /** Row stride and first column of v in floats. */
  vStride: number;
  vOffset?: number;
}

/** Queries that share a workgroup: all of them where they fit, else even parts, so that 95 are 48 and 47, not 64 and 31. */
const groupTokens = (tokens: number): number => tiles(tokens, tiles(tokens, 64));

/** How many shares of the keys each query and head comes out in. */
export const sharesOf = ({ tokens, keys }: { tokens: number; keys: number }): number =>
  tiles(keys, 64) * Math.floor(64 / groupTokens(tokens));

export const taskToFace = defineKernel('taskToFace', wgsl, (shape: TaskToFaceShape) => {
  const { tokens, keys, heads, kStride, vStride, vOffset = 0 } = shape;
  return {
    constants: {
      TOKENS: tokens,
      GROUP_TOKENS: groupTokens(tokens),
      KEYS: keys,
      HEADS: heads,
      K_STRIDE: kStride / 4,
      V_STRIDE: vStride / 4,
      V_OFFSET: vOffset / 4,
    },
    workgroups: [tiles(keys, 64), heads, tiles(tokens, groupTokens(tokens))],
    macs: tokens * keys * heads * 32,
  };
});
