import { defineKernel } from '../kernel.ts';
import convolution from '../parts/convolution.wgsl';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import wgsl from './convSubgroup.wgsl';
import { type ConvShape, convAnswer, convLaunch } from './role.ts';

export const convSubgroup = defineKernel(
  'convSubgroup',
  [wgsl, convolution, convStore, finite],
  (shape: ConvShape) => convLaunch(shape, {}, 28),
  convAnswer,
);
