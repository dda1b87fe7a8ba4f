import { defineKernel } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import momentsOf from '../parts/momentsOf.wgsl';
import momentsOfQuad from '../parts/momentsOfQuad.wgsl';
import product from '../parts/product.wgsl';
import source from '../parts/source.wgsl';
import store from '../parts/store.wgsl';
import wgsl from './matmulRegisters.wgsl';
import { productAnswer, productLaunch, type StreamMatmulShape } from './role.ts';

/** Machine shapes: `GROUPS` of `ROWS` rows each in a workgroup, `QUADS` times four columns of a thread, `STEP` of `inner` a turn. */
const of = (sizes: Readonly<Record<'GROUPS' | 'ROWS' | 'QUADS' | 'STEP', number>>) =>
  defineKernel(
    'matmulRegisters',
    [wgsl, product, source, momentsOf, momentsOfQuad, store, activation, gelu, finite],
    (shape: StreamMatmulShape) => productLaunch(shape, sizes, sizes.GROUPS * sizes.ROWS),
    productAnswer,
  );

export const matmulRegisters = of({ GROUPS: 4, ROWS: 7, QUADS: 1, STEP: 4 });

/** The variant for Mali, whose threads have 64 registers. */
export const matmulRegistersSmall = of({ GROUPS: 4, ROWS: 4, QUADS: 1, STEP: 4 });
