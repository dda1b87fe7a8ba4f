import { defineKernel, tiles } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import shiftedWindow from '../parts/shiftedWindow.wgsl';
import { type WindowAttentionShape, windowAnswer, windowMacs } from './role.ts';
import wgsl from './windowAttentionScores.wgsl';

export const windowAttentionScores = defineKernel(
  'windowAttentionScores',
  [wgsl, shiftedWindow, finite],
  (shape: WindowAttentionShape) => {
    const { images = 1, side, heads, shift, dtype = 'f32' } = shape;
    return {
      constants: { SIDE: side, HEADS: heads, SHIFT: shift },
      machine: { elem: dtype },
      workgroups: [tiles(side, 7) ** 2, heads, images],
      macs: windowMacs(shape),
    };
  },
  windowAnswer,
);
