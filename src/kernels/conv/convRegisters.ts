import { defineKernel } from '../kernel.ts';
import convolution from '../parts/convolution.wgsl';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import wgsl from './convRegisters.wgsl';
import { type ConvShape, convAnswer, convLaunch } from './role.ts';

export const convRegisters = defineKernel(
  'convRegisters',
  [wgsl, convolution, convStore, finite],
  (shape: ConvShape) => {
    const rows = shape.pool ? 2 : 4; // of a thread; four pixels for every input leave registers for fewer
    return convLaunch(shape, { ROWS: rows }, 4 * rows);
  },
  convAnswer,
);
