import { byStatistics, inRows, kept } from './answer.ts';
import { type Dtype, defineKernel, tiles } from './kernel.ts';
import wgsl from './layerNorm.wgsl';
import { checkStream } from './matmul/role.ts';
import finite from './parts/finite.wgsl';
import momentsOf from './parts/momentsOf.wgsl';

export interface LayerNormShape {
  rows: number;
  /** How many channels a row has, a multiple of 64. */
  inner: number;
  eps: number;
  /** How y is stored; float32 by default. */
  dtype?: Dtype;
}

export const layerNorm = defineKernel(
  'layerNorm',
  [wgsl, momentsOf, finite],
  ({ rows, inner, eps, dtype = 'f32' }: LayerNormShape) => {
    checkStream({ rows, inner, cols: inner, norm: { eps } });
    return {
      constants: { INNER: inner, EPS: eps },
      machine: { output: dtype },
      workgroups: [tiles((rows * inner) / 4, 64), 1, 1],
      macs: 2 * rows * inner,
    };
  },
  ({ inner, eps }, { x, n }) => {
    const stride = (inner * 17) / 16;
    const normOf = kept((row) => byStatistics(inner, eps, x, (part) => row * stride + inner + 4 * part));
    return inRows(inner, (row, c) => normOf(row)(x(row * stride + c)) * n(c) + n(inner + c));
  },
);
