import wgsl from './crossAttentionDirect.wgsl';
import { defineKernel, type Launch, tiles } from './kernel.ts';
import type { TaskToFaceShape } from './taskToFace.ts';

export interface FaceToTaskShape {
  queries: number;
  tokens: number;
  heads: number;
  /** Row stride and first column of q in floats. */
  qStride: number;
  qOffset?: number;
}

/** Tokens that attend to many keys come out in shares, as taskToFace's do; queries that attend to a few tokens come out whole. */
export type CrossAttentionShape = TaskToFaceShape | FaceToTaskShape;

/** Queries of one thread, threads of one workgroup, and keys of one share: 3136 keys are 14 even shares. */
const [QUERIES_EACH, THREADS, SHARE] = [6, 8, 224];

/** How many shares of the keys each query and head comes out in; the counterpart of taskToFace's `sharesOf`. */
export const directSharesOf = ({ keys }: { keys: number }): number => tiles(keys, SHARE);

export const crossAttentionDirect = defineKernel('crossAttentionDirect', wgsl, (shape: CrossAttentionShape): Launch => {
  const { heads } = shape;
  const { queries, keys, constants } = 'keys' in shape ? toFace(shape) : toTask(shape);
  const shares = 'keys' in shape ? directSharesOf(shape) : 1;
  return {
    constants: { QUERIES: queries, KEYS: keys, HEADS: heads, ...constants },
    workgroups: [tiles(tiles(queries, QUERIES_EACH) * heads * shares, THREADS), 1, 1],
    macs: queries * keys * heads * 32,
  };
});

function toFace({ tokens, keys, heads, qStride = 16 * heads, qOffset = 0, kStride, vStride, vOffset = 0 }: TaskToFaceShape) {
  const q = { Q_STRIDE: qStride / 4, Q_OFFSET: qOffset / 4 };
  const constants = { SHARE, PARTIAL: 1, ...q, K_STRIDE: kStride / 4, V_STRIDE: vStride / 4, V_OFFSET: vOffset / 4 };
  return { queries: tokens, keys, constants };
}

function toTask({ queries, tokens, heads, qStride, qOffset = 0 }: FaceToTaskShape) {
  const q = { Q_STRIDE: qStride / 4, Q_OFFSET: qOffset / 4 };
  const constants = { SHARE: tokens, PARTIAL: 0, ...q, K_STRIDE: 4 * heads, V_STRIDE: 4 * heads, V_OFFSET: 0 };
  return { queries, keys: tokens, constants };
}
