import { defineKernel } from '../kernel.ts';
import finite from '../parts/finite.wgsl';
import shiftedWindow from '../parts/shiftedWindow.wgsl';
import { windowAnswer, windowLaunch } from './role.ts';
import wgsl from './windowAttentionScores.wgsl';

export const windowAttentionScores = defineKernel('windowAttentionScores', [wgsl, shiftedWindow, finite], windowLaunch, windowAnswer);
