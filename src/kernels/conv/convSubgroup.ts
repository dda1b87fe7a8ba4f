import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import convolution from '../parts/convolution.wgsl';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import lanes from '../parts/lanes.wgsl';
import wgsl from './convSubgroup.wgsl';
import { type ConvShape, convAnswer, convLaunch } from './role.ts';

export const convSubgroup = defineKernel(
  'convSubgroup',
  [wgsl, columns, lanes, convolution, convStore, finite],
  (shape: ConvShape) => convLaunch(shape, {}, 28),
  convAnswer,
);
