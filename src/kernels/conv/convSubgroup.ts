import { defineKernel } from '../kernel.ts';
import convStore from '../parts/convStore.wgsl';
import wgsl from './convSubgroup.wgsl';
import { type ConvShape, convLaunch } from './role.ts';

export const convSubgroup = defineKernel('convSubgroup', [wgsl, convStore], (shape: ConvShape) => convLaunch(shape, {}, 28));
