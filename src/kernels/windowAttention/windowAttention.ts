import { defineKernel, tiles } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import shiftedWindow from '../parts/shiftedWindow.wgsl';
import { type WindowAttentionShape, windowAnswer, windowLaunch } from './role.ts';
import wgsl from './windowAttention.wgsl';

export const windowAttention = defineKernel(
  'windowAttention',
  [wgsl, shiftedWindow, finite],
  (shape: WindowAttentionShape) => windowLaunch(shape, tiles(shape.heads, 2)),
  windowAnswer,
);
