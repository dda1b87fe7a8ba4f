import { sum } from '../answer.ts';
import { defineKernel, tiles } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import momentsOfQuad from '../parts/momentsOfQuad.wgsl';
import store from '../parts/store.wgsl';
import { ACTIVATIONS, finishedAnswer, type MatmulShape, residualOf, TILE_COLS } from './role.ts';
import wgsl from './sumShares.wgsl';

/** Rows of a workgroup. */
const ROWS = 4;

/** The rest of a product that was made in shares: the shape is the product's. */
export const sumShares = defineKernel(
  'sumShares',
  [wgsl, store, activation, gelu, momentsOfQuad, finite],
  (shape: MatmulShape) => {
    const { rows, cols, activation: act = 'none', stream = false, shares = 1, dtypes: { added = 'f32', output = 'f32' } = {} } = shape;
    return {
      constants: { COLS: cols, ACTIVATION: ACTIVATIONS.indexOf(act), RESIDUAL: residualOf(shape), STREAM: Number(stream) },
      machine: { SHARES: shares, ROWS, added, output },
      workgroups: [tiles(cols, TILE_COLS), tiles(rows, ROWS), 1],
      macs: 0,
    };
  },
  (shape, { x, b, r }) =>
    finishedAnswer(shape, (row, c) => sum(shape.shares ?? 1, (s) => x((s * shape.rows + row) * shape.cols + c)), b, r),
);
