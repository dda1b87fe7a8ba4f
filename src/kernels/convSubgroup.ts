import { type ConvShape, convLaunch } from './conv.ts';
import wgsl from './convSubgroup.wgsl';
import { defineKernel } from './kernel.ts';

export const convSubgroup = defineKernel('convSubgroup', wgsl, (shape: ConvShape) => convLaunch(shape, 28));
