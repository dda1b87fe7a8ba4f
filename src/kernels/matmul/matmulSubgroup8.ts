import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import product from '../parts/product.wgsl';
import wgsl from './matmulSubgroup8.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE } from './role.ts';

const TILE_ROWS = 28;

/** The variant for CPUs that run WebGPU in subgroups of eight: its buffers tell the sizes, so that no pipeline is of one size. */
export const matmulSubgroup8 = defineKernel(
  'matmulSubgroup8',
  [wgsl, columns, product, ...SOURCE_TO_STORE],
  (shape: MatmulShape) => {
    const { constants, ...launch } = productLaunch(shape, {}, TILE_ROWS);
    const { INNER: _inner, COLS: _cols, X_ROW: _xRow, ...kind } = constants;
    return { ...launch, constants: kind };
  },
  productAnswer,
);
