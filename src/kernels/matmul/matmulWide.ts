import { defineKernel } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import momentsOf from '../parts/momentsOf.wgsl';
import momentsOfQuad from '../parts/momentsOfQuad.wgsl';
import product from '../parts/product.wgsl';
import registers from '../parts/registers.wgsl';
import source from '../parts/source.wgsl';
import store from '../parts/store.wgsl';
import wgsl from './matmulWide.wgsl';
import { productAnswer, productLaunch, type StreamMatmulShape } from './role.ts';

const TILE_ROWS = 28;

/** The variant for CPUs that run WebGPU: its buffers tell the sizes, so that no pipeline is of one size. */
export const matmulWide = defineKernel(
  'matmulWide',
  [wgsl, registers, product, source, momentsOf, momentsOfQuad, store, activation, gelu, finite],
  (shape: StreamMatmulShape) => {
    const { constants, ...launch } = productLaunch(shape, {}, TILE_ROWS);
    const { INNER: _inner, COLS: _cols, X_ROW: _xRow, ...kind } = constants;
    return { ...launch, constants: kind };
  },
  productAnswer,
);
