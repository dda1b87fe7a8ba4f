import { defineKernel, type Launch, tiles } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import { type WindowAttentionShape, windowAnswer, windowMacs } from './role.ts';
import wgsl from './windowAttentionDirect.wgsl';

export const windowAttentionDirect = defineKernel(
  'windowAttentionDirect',
  [wgsl, finite],
  (shape: WindowAttentionShape): Launch => {
    const { images = 1, side, heads, shift, shares = 1, dtype = 'f32' } = shape;
    if (shares > 1) throw new RangeError(`windowAttentionDirect: ${shares} shares`);
    return {
      constants: { SHIFT: shift, PADDED: Number(side % 7 > 0) },
      machine: { elem: dtype },
      workgroups: [tiles(tiles(side, 7) ** 2 * 7 * heads, 64), images, 1],
      macs: windowMacs(shape),
    };
  },
  windowAnswer,
);
