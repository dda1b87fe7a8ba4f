import { defineKernel } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import shiftedWindow from '../parts/shiftedWindow.wgsl';
import { type WindowAttentionShape, windowAnswer, windowLaunch } from './role.ts';
import wgsl from './windowAttention.wgsl';

/** So many workgroups fill a large GPU without their queries shared among many threads, whose sums are more to merge. */
const MANY_WORKGROUPS = 256;

export const windowAttention = defineKernel(
  'windowAttention',
  [wgsl, shiftedWindow, finite],
  (shape: WindowAttentionShape) => {
    const launch = windowLaunch(shape);
    const [windows, heads, images] = launch.workgroups;
    return { ...launch, machine: { ...launch.machine, PARTS: windows * heads * images < MANY_WORKGROUPS ? 4 : 2 } };
  },
  windowAnswer,
);
