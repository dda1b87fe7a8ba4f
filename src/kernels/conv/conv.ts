import { defineKernel } from '../kernel.ts';
import { type MatmulTile, tileOf, USUAL_TILE } from '../matmul/matmul.ts';
import convolution from '../parts/convolution.wgsl';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import step from '../parts/step.wgsl';
import wgsl from './conv.wgsl';
import { type ConvShape, convAnswer, convLaunch } from './role.ts';

/** @param choose the machine shape for a convolution, which is one of `matmul`'s */
export const convWith = (choose: (shape: ConvShape) => MatmulTile) =>
  defineKernel(
    'conv',
    [wgsl, convolution, step, convStore, finite],
    (shape: ConvShape) => {
      const tile = choose(shape);
      const launch = convLaunch(shape, tile, tile.TILE_ROWS, 4 * tile.TILE_QUADS);
      return { ...launch, constants: { ...launch.constants, SHARES: shape.shares ?? 1 } };
    },
    convAnswer,
  );

export const conv = convWith(() => USUAL_TILE);

/** The variant with fewer registers: a step is read when it is due. */
export const convInTime = convWith(() => tileOf('32x64', '4x4', true));
