import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import plusProduct from '../parts/plusProduct.wgsl';
import product from '../parts/product.wgsl';
import registers from '../parts/registers.wgsl';
import sizes from '../parts/sizes.wgsl';
import wgsl from './matmulRegisters.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE } from './role.ts';

/** @param rows how many a thread makes */
const of = (rows: number) =>
  defineKernel(
    'matmulRegisters',
    [wgsl, columns, plusProduct, registers, product, sizes, ...SOURCE_TO_STORE],
    (shape: MatmulShape) => productLaunch(shape, { ROWS: rows }, 4 * rows),
    productAnswer,
  );

export const matmulRegisters = of(7);

/** The variant for Mali and Intel, whose threads have 64 registers. */
export const matmulRegistersSmall = of(4);
