import { type Answer, inRows, kept, list, sum, weighed } from './answer.ts';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';
import head from './parts/taskToFace.wgsl';
import wgsl from './taskToFace.wgsl';

export interface TaskToFaceShape extends Images {
  /** How many tokens and keys one image has. */
  tokens: number;
  keys: number;
  /** Heads of 16 dimensions. */
  heads: number;
  /** Row stride and first column of q in floats; 16 * heads and 0 by default. */
  qStride?: number;
  qOffset?: number;
  /** Row stride of k in floats; k starts at column 0 of its tensor. */
  kStride: number;
  /** Row stride and first column of v in floats. */
  vStride: number;
  vOffset?: number;
  /** The queries are those of one image, the same for all. */
  qRepeats?: boolean;
  /** How k and v are stored; float32 by default. Queries and shares are float32. */
  dtype?: Dtype;
}

/** Queries that share a workgroup: all of them where they fit, else even parts, so that 95 are 48 and 47, not 64 and 31. */
const groupTokens = (tokens: number): number => tiles(tokens, tiles(tokens, 64));

/** How many shares of the keys each query and head comes out in. */
export const sharesOf = ({ tokens, keys }: { tokens: number; keys: number }): number =>
  tiles(keys, 64) * Math.floor(64 / groupTokens(tokens));

/** What both kernels are told of a shape. */
export function taskToFaceConstants(shape: TaskToFaceShape) {
  const { tokens, keys, heads, qStride = 16 * heads, qOffset = 0, kStride, vStride, vOffset = 0, qRepeats = false } = shape;
  return {
    TOKENS: tokens,
    KEYS: keys,
    HEADS: heads,
    Q_STRIDE: qStride / 4,
    Q_OFFSET: qOffset / 4,
    Q_ROWS: qRepeats ? tokens : 0xffffffff,
    K_STRIDE: kStride / 4,
    V_STRIDE: vStride / 4,
    V_OFFSET: vOffset / 4,
  };
}

export const taskToFaceMacs = ({ images = 1, tokens, keys, heads }: TaskToFaceShape): number => images * tokens * keys * heads * 32;

interface Keys {
  first: number;
  end: number;
  step: number;
}

/** @param keysOf the keys of a share */
export const taskToFaceAnswer =
  (keysOf: (shape: TaskToFaceShape, share: number) => Keys, sharesOf: (shape: TaskToFaceShape) => number): Answer<TaskToFaceShape> =>
  (shape, { q, k, v }) => {
    const { tokens, keys, heads, qStride = 16 * heads, qOffset = 0, kStride, vStride, vOffset = 0 } = shape;
    const shares = sharesOf(shape);
    const shareOf = kept((place) => {
      const { first, end, step } = keysOf(shape, place % shares);
      const head = 16 * (Math.floor(place / shares) % heads);
      const query = (Math.floor(place / shares / heads) % tokens) * qStride + qOffset + head;
      const own = list(Math.max(0, Math.ceil((Math.min(end, keys) - first) / step)), (i) => first + i * step);
      const { high, total, shares: parts } = weighed(own.map((key) => sum(16, (d) => q(query + d) * k(key * kStride + head + d)) / 4));
      const value = (d: number) => sum(own.length, (i) => (parts[i] as number) * v((own[i] as number) * vStride + vOffset + head + d));
      return [...list(16, value), high, total, 0, 0];
    });
    return inRows(20, (place, i) => shareOf(place)[i] as number);
  };

export const taskToFace = defineKernel(
  'taskToFace',
  [wgsl, head, finite],
  (shape: TaskToFaceShape) => {
    const { images = 1, tokens, keys, heads, dtype = 'f32' } = shape;
    return {
      constants: { ...taskToFaceConstants(shape), GROUP_TOKENS: groupTokens(tokens) },
      machine: { elem: dtype },
      workgroups: [tiles(keys, 64), heads, tiles(tokens, groupTokens(tokens)) * images],
      macs: taskToFaceMacs(shape),
    };
  },
  taskToFaceAnswer(({ tokens }, share) => {
    const parts = Math.floor(64 / groupTokens(tokens));
    return { first: Math.floor(share / parts) * 64 + (share % parts), end: (Math.floor(share / parts) + 1) * 64, step: parts };
  }, sharesOf),
);
