import { type Answer, gelu as geluOf, kept, list, normed, sum } from './answer.ts';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import wgsl from './parse.wgsl';
import finite from './parts/finite.wgsl';
import gelu from './parts/gelu.wgsl';
import plusProduct from './parts/plusProduct.wgsl';

export interface ParseShape extends Images {
  /** Side of the map before its two 2x2 upscalings. */
  side: number;
  classes: number;
  eps: number;
  /** Whether it gives the products instead of the class of the highest one. */
  logits?: boolean;
  dtype?: Dtype;
}

const answer: Answer<ParseShape> = ({ side, classes, eps, logits = false }, { x, n, w, h }) => {
  const rowOf = kept((row) =>
    normed(
      list(64, (k) => x(row * 64 + k)),
      eps,
      n,
    ).map(geluOf),
  );
  const logitsOf = kept((pixel) => {
    const [line, column] = [Math.floor(pixel / (4 * side)), pixel % (4 * side)];
    const cell = (line >> 2) * side + (column >> 2);
    const z = rowOf(cell * 4 + ((line >> 1) % 2) * 2 + ((column >> 1) % 2));
    const quarter = (line % 2) * 2 + (column % 2);
    const weight = (c: number, k: number) => w((((c >> 2) * 64 + k) * 4 + quarter) * 4 + (c % 4));
    const u = list(32, (c) => geluOf(n(128 + c) + sum(64, (k) => (z[k] as number) * weight(c, k))));
    return list(classes, (one) => sum(32, (c) => h(one * 32 + c) * (u[c] as number)));
  });
  if (logits) return (i) => logitsOf(i % (16 * side * side))[Math.floor(i / (16 * side * side))] as number;
  const classOf = (pixel: number) => logitsOf(pixel).reduce((best, logit, i, all) => (logit > (all[best] as number) ? i : best), 0);
  return (i) => sum(4, (byte) => classOf(4 * i + byte) * 256 ** byte);
};

/** Whole lines of the map, and whole tiles of every variant. Products are in the order of their classes, of which a tile makes all. */
const firstRows: Answer<ParseShape>['firstRows'] = (shape) =>
  shape.logits || shape.side % 8 ? undefined : { shape, rows: 8, of: shape.side, axis: 0 };

/**
 * @param each rows of a thread
 * @param ahead steps whose weights are on their way at a time
 */
const of = /* @__NO_SIDE_EFFECTS__ */ (each: number, ahead: number) =>
  defineKernel(
    'parse',
    [wgsl, plusProduct, gelu, finite],
    ({ side, classes, images = 1, eps, logits = false, dtype = 'f32' }: ParseShape) => ({
      constants: { SIDE: side, LOGITS: Number(logits), EPS: eps },
      machine: { EACH: each, AHEAD: ahead, CLASSES: classes, elem: dtype, weight: dtype },
      workgroups: [tiles(4 * side * side, 16 * each), images, 1],
      macs: images * 16 * side * side * 32 * (64 + classes),
    }),
    Object.assign(answer, { firstRows }),
  );

export const parse = of(2, 4);

/** The variant for GPUs and CPUs with fewer registers. */
export const parseInTime = of(2, 1);

/** The variant for Intel, whose threads have 64 registers: weights are read as columns, each when it is due. */
export const parseByColumn = of(2, 0);

/** The variant for Mali, whose threads have 64 registers. */
export const parseSmall = of(1, 1);

/** The second upscaling's weight [64, 32, 2, 2] as the kernel reads it: [32 / 4][64][4 quarters][4]. */
export function packUpscale(weight: Float32Array, into: Float32Array): void {
  for (let i = 0; i < weight.length; i++) {
    const [c, k, quarter] = [Math.floor(i / 1024) * 4 + (i % 4), Math.floor(i / 16) % 64, Math.floor(i / 4) % 4];
    into[i] = weight[(k * 32 + c) * 4 + quarter] as number;
  }
}
