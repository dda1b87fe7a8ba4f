import { defineKernel } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import shiftedWindow from '../parts/shiftedWindow.wgsl';
import { mustBeWhole, type WindowAttentionShape, windowAnswer, windowLaunch } from './role.ts';
import wgsl from './windowAttentionScores.wgsl';

export const windowAttentionScores = defineKernel(
  'windowAttentionScores',
  [wgsl, shiftedWindow, finite],
  (shape: WindowAttentionShape) => {
    mustBeWhole(shape);
    return windowLaunch(shape);
  },
  windowAnswer,
);
