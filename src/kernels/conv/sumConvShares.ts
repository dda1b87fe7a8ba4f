import { sum } from '../answer.ts';
import { defineKernel, tiles } from '../kernel.ts';
import { TILE_COLS } from '../matmul/role.ts';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import { type ConvShape, finishedConv, RESIDUALS } from './role.ts';
import wgsl from './sumConvShares.wgsl';

/** Rows of a workgroup. */
const ROWS = 4;

/** The rest of a convolution that was made in shares: the shape is the convolution's. */
export const sumConvShares = defineKernel(
  'sumConvShares',
  [wgsl, convStore, finite],
  (shape: ConvShape) => {
    const { side, cols, images = 1, shares = 1, relu = false, residual = 'none', coarse = false, dtype = 'f32' } = shape;
    return {
      constants: { COLS: cols, RELU: Number(relu), RESIDUAL: RESIDUALS.indexOf(residual), COARSE: Number(coarse) },
      machine: { SHARES: shares, ROWS, elem: dtype, output: dtype },
      workgroups: [tiles(cols, TILE_COLS), tiles(side * side, ROWS), images],
      macs: 0,
    };
  },
  (shape, { x, b, r, c }) =>
    finishedConv(shape, (row, column) => sum(shape.shares ?? 1, (s) => x((s * shape.side ** 2 + row) * shape.cols + column)), b, r, c),
);
