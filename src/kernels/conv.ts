import wgsl from './conv.wgsl';
import { defineKernel, type Launch, tiles } from './kernel.ts';
import { packWeight, paddedCols, TILE_COLS } from './matmul.ts';

/** What conv and convDirect compute; see conv.wgsl. `inner` is a multiple of 16, `cols` of 4. */
export interface ConvShape {
  /** Of the output; the map is square. The shader reads it from the length of `y`. */
  side: number;
  /** Channels in and out. */
  inner: number;
  cols: number;
  kernel: 1 | 3;
  /** Scale, shift and ReLU of x before the convolution. */
  preactivation?: boolean;
  relu?: boolean;
  /** x is of twice the side, and its 2x2 maxima are read. */
  pool?: boolean;
  /** What is added: `r` as it is, or the 2x2 maxima of an `r` of twice the side. */
  residual?: 'none' | 'same' | 'pooled';
  /** Adds `c`, of half the side, each of its pixels to four. */
  coarse?: boolean;
}

export function convConstants(shape: ConvShape): Launch['constants'] {
  const { inner, cols, kernel, preactivation = false, relu = false, pool = false, residual = 'none', coarse = false } = shape;
  return {
    INNER: inner,
    COLS: cols,
    KERNEL: kernel,
    PREACTIVATION: Number(preactivation),
    RELU: Number(relu),
    POOL: Number(pool),
    RESIDUAL: ['none', 'same', 'pooled'].indexOf(residual),
    COARSE: Number(coarse),
  };
}

export const convMacs = ({ side, inner, cols, kernel }: ConvShape): number => side * side * inner * cols * kernel * kernel;

export const conv = defineKernel('conv', wgsl, (shape: ConvShape) => ({
  constants: convConstants(shape),
  workgroups: [tiles(shape.cols, TILE_COLS), tiles(shape.side * shape.side, 56), 1],
  macs: convMacs(shape),
}));

/** A convolution's weight [cols, inner, k, k] as the kernels read it: a product's, whose inner index is tap, then channel. */
export function packConv(
  weight: ArrayLike<number>,
  { cols, inner, kernel }: Pick<ConvShape, 'cols' | 'inner' | 'kernel'>,
  into: Float32Array = new Float32Array(paddedCols(cols) * inner * kernel * kernel),
): Float32Array {
  const taps = kernel * kernel;
  const rows = new Float64Array(cols * taps * inner);
  for (let n = 0; n < cols; n++)
    for (let k = 0; k < inner; k++)
      for (let tap = 0; tap < taps; tap++) rows[(n * taps + tap) * inner + k] = weight[(n * inner + k) * taps + tap] as number;
  return packWeight(rows, cols, taps * inner, into);
}
