import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import convInput from '../parts/convInput.wgsl';
import convolution from '../parts/convolution.wgsl';
import convStore from '../parts/convStore.wgsl';
import finite from '../parts/finite.wgsl';
import plusProduct from '../parts/plusProduct.wgsl';
import wgsl from './convRegisters.wgsl';
import { type ConvShape, convAnswer, convLaunch } from './role.ts';

/** @param rowsOf how many rows a thread makes, 4 or 2 */
const of = (rowsOf: (shape: ConvShape) => number) =>
  defineKernel(
    'convRegisters',
    [wgsl, columns, plusProduct, convInput, convolution, convStore, finite],
    (shape: ConvShape) => convLaunch(shape, { ROWS: rowsOf(shape) }, 4 * rowsOf(shape)),
    convAnswer,
  );

/** Four pixels for every input leave registers for fewer rows. */
export const convRegisters = of(({ pool }) => (pool ? 2 : 4));

/** The variant for Mali, whose threads have 64 registers: what is done to each input leaves too few of them, too. */
export const convRegistersSmall = of(({ pool, preactivation }) => (pool || preactivation ? 2 : 4));
