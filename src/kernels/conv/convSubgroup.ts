import { defineKernel } from '../kernel.ts';
import { EIGHT, FOUR } from '../matmul/matmulSubgroup.ts';
import columns from '../parts/columns.wgsl';
import convInput from '../parts/convInput.wgsl';
import convolution from '../parts/convolution.wgsl';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import subgroup from '../parts/subgroup.wgsl';
import wgsl from './convSubgroup.wgsl';
import { type ConvShape, convAnswer, convLaunch } from './role.ts';

const of = (lanes: typeof FOUR) =>
  defineKernel(
    'convSubgroup',
    [wgsl, subgroup, columns, convInput, convolution, convStore, finite],
    (shape: ConvShape) => convLaunch(shape, lanes, lanes.ROWS),
    convAnswer,
  );

export const convSubgroup = of(FOUR);
export const convSubgroup8 = of(EIGHT);
