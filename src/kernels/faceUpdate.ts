import { type Answer, attended, dot, inRows, kept, list, normed, sum } from './answer.ts';
import wgsl from './faceUpdate.wgsl';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';
import momentsOfQuad from './parts/momentsOfQuad.wgsl';
import plusProduct from './parts/plusProduct.wgsl';

export interface FaceUpdateShape extends Images {
  /** Face tokens and task tokens of one image. */
  positions: number;
  tokens: number;
  /** Numbers from one row of q to the next, and where its columns begin. */
  qStride: number;
  qOffset: number;
  /** Where the keys begin in t's rows; the values lie 128 numbers behind them. */
  tOffset: number;
  eps: number;
  dtype?: Dtype;
}

const answer: Answer<FaceUpdateShape> = ({ tokens, qStride, qOffset, tOffset, eps }, { q, t, w, n, r }) => {
  const row = t.size / tokens;
  const heads = kept((place) => {
    const head = 16 * (place % 8);
    const at = Math.floor(place / 8) * qStride + qOffset + head;
    const scores = list(tokens, (key) => sum(16, (d) => q(at + d) * t(key * row + tOffset + head + d)) / 4);
    return attended(scores, 16, (key, d) => t(key * row + tOffset + 128 + head + d));
  });
  const rowOf = kept((position) => {
    const a = list(8, (head) => 8 * position + head).flatMap(heads);
    return normed(
      list(256, (c) => n(c) + r(position * 256 + c) + dot(a, w, c, 256)),
      eps,
      n,
      256,
    );
  });
  return inRows(256, (position, c) => rowOf(position)[c] as number);
};

/** Whole tiles of every variant, since a pipeline writes all of a tile. */
const firstRows: Answer<FaceUpdateShape>['firstRows'] = (shape) =>
  shape.positions % 28 ? undefined : { shape, rows: 28, of: shape.positions, axis: 0 };

/**
 * @param each positions of a thread
 * @param keys task tokens that a position attends to at a time
 * @param ahead steps whose weights are on their way at a time
 */
const of = (each: number, keys: number, ahead: number) =>
  defineKernel(
    'faceUpdate',
    [wgsl, plusProduct, momentsOfQuad, finite],
    (shape: FaceUpdateShape) => {
      const { positions, tokens, images = 1, qStride, qOffset, tOffset, eps, dtype = 'f32' } = shape;
      return {
        constants: {
          POSITIONS: positions,
          TOKENS: tokens,
          Q_ROW: qStride / 4,
          Q_FIRST: qOffset / 4,
          T_FIRST: tOffset / 4,
          EPS: eps,
        },
        machine: { EACH: each, KEYS: keys, AHEAD: ahead, elem: dtype, weight: dtype },
        workgroups: [tiles(positions, 2 * each), images, 1],
        macs: images * positions * (tokens * 256 + 128 * 256),
      };
    },
    Object.assign(answer, { firstRows }),
  );

export const faceUpdate = of(7, 6, 4);

/** The variant for GPUs and CPUs with fewer registers. */
export const faceUpdateInTime = of(7, 1, 1);

/** The variant for Mali, whose threads have 64 registers. */
export const faceUpdateSmall = of(1, 1, 1);
