import { defineKernel } from '../kernel.ts';
import product from '../parts/product.wgsl';
import registers from '../parts/registers.wgsl';
import wgsl from './matmulWide.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE } from './role.ts';

const TILE_ROWS = 28;

/** The variant for CPUs that run WebGPU: its buffers tell the sizes, so that no pipeline is of one size. */
export const matmulWide = defineKernel(
  'matmulWide',
  [wgsl, registers, product, ...SOURCE_TO_STORE],
  (shape: MatmulShape) => {
    const { constants, ...launch } = productLaunch(shape, {}, TILE_ROWS);
    const { INNER: _inner, COLS: _cols, X_ROW: _xRow, ...kind } = constants;
    return { ...launch, constants: kind };
  },
  productAnswer,
);
