import { defineKernel, type Kernel } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import momentsOf from '../parts/momentsOf.wgsl';
import momentsOfQuad from '../parts/momentsOfQuad.wgsl';
import product from '../parts/product.wgsl';
import sizesOfPipeline from '../parts/sizes.wgsl';
import sizesOfBuffers from '../parts/sizesOfBuffers.wgsl';
import source from '../parts/source.wgsl';
import store from '../parts/store.wgsl';
import wgsl from './matmulRegisters.wgsl';
import { productAnswer, productLaunch, type StreamMatmulShape } from './role.ts';

/** Machine shapes: `GROUPS` of `ROWS` rows each in a workgroup, `QUADS` times four columns of a thread, `STEP` of `inner` a turn. */
type Sizes = Readonly<Record<'GROUPS' | 'ROWS' | 'QUADS' | 'STEP', number>>;

const defined = (sizes: string, launch: Kernel<StreamMatmulShape>['launch']) =>
  defineKernel(
    'matmulRegisters',
    [wgsl, product, sizes, source, momentsOf, momentsOfQuad, store, activation, gelu, finite],
    launch,
    productAnswer,
  );

const launched = (sizes: Sizes) => (shape: StreamMatmulShape) => productLaunch(shape, sizes, sizes.GROUPS * sizes.ROWS);

export const matmulRegisters = defined(sizesOfPipeline, launched({ GROUPS: 4, ROWS: 7, QUADS: 1, STEP: 4 }));

/** The variant for Mali, whose threads have 64 registers. */
export const matmulRegistersSmall = defined(sizesOfPipeline, launched({ GROUPS: 4, ROWS: 4, QUADS: 1, STEP: 4 }));

const wide = launched({ GROUPS: 4, ROWS: 7, QUADS: 8, STEP: 1 });

/**
 * The variant for CPUs that run WebGPU: eight threads, as many as a vector has lanes; larger tiles are no longer unrolled by Mesa's compiler, which
 * takes four seconds for each pipeline, so that there is one for all sizes.
 */
export const matmulRegistersWide = defined(sizesOfBuffers, (shape) => {
  const { constants, ...launch } = wide(shape);
  const { INNER: _, COLS: __, X_ROW: ___, ...kind } = constants;
  return { ...launch, constants: kind };
});
