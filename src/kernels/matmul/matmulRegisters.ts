import { defineKernel } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import columns from '../parts/columns.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import momentsOf from '../parts/momentsOf.wgsl';
import momentsOfQuad from '../parts/momentsOfQuad.wgsl';
import product from '../parts/product.wgsl';
import registers from '../parts/registers.wgsl';
import sizes from '../parts/sizes.wgsl';
import source from '../parts/source.wgsl';
import store from '../parts/store.wgsl';
import wgsl from './matmulRegisters.wgsl';
import { productAnswer, productLaunch, type StreamMatmulShape } from './role.ts';

/** @param rows how many a thread makes */
const of = (rows: number) =>
  defineKernel(
    'matmulRegisters',
    [wgsl, columns, registers, product, sizes, source, momentsOf, momentsOfQuad, store, activation, gelu, finite],
    (shape: StreamMatmulShape) => productLaunch(shape, { ROWS: rows }, 4 * rows),
    productAnswer,
  );

export const matmulRegisters = of(7);

/** The variant for Mali and Intel, whose threads have 64 registers. */
export const matmulRegistersSmall = of(4);
