import { defineKernel, tiles } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import shiftedWindow from '../parts/shiftedWindow.wgsl';
import { type WindowAttentionShape, windowAnswer, windowMacs } from './role.ts';
import wgsl from './windowAttention.wgsl';

export const windowAttention = defineKernel(
  'windowAttention',
  [wgsl, shiftedWindow, finite],
  (shape: WindowAttentionShape) => {
    const { images = 1, side, heads, shift, dtype = 'f32' } = shape;
    return {
      constants: { SIDE: side, HEADS: heads, SHIFT: shift },
      machine: { elem: dtype },
      workgroups: [tiles(side, 7) ** 2, tiles(heads, 2), images],
      macs: windowMacs(shape),
    };
  },
  windowAnswer,
);
