import wgsl from './faceToTask.wgsl';
import { defineKernel, tiles } from './kernel.ts';

export interface FaceToTaskShape {
  queries: number;
  /** At most 112: a head's keys and values fit workgroup memory. */
  tokens: number;
  heads: number;
  /** Row stride and first column of q in floats. */
  qStride: number;
  qOffset?: number;
}

export const faceToTask = defineKernel('faceToTask', wgsl, (shape: FaceToTaskShape) => {
  const { queries, tokens, heads, qStride, qOffset = 0 } = shape;
  if (tokens > 112) throw new RangeError(`faceToTask: ${tokens} tokens; at most 112 fit workgroup memory`);
  return {
    constants: { QUERIES: queries, TOKENS: tokens, HEADS: heads, Q_STRIDE: qStride / 4, Q_OFFSET: qOffset / 4 },
    machine: { MAX_TOKENS: tokens }, // 18 tokens take 2 KiB of workgroup memory, not what 112 would
    workgroups: [tiles(queries, 64), heads, 1],
    macs: queries * tokens * heads * 32,
  };
});
