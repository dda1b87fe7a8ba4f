import wgsl from './conv.wgsl';
import { type Dtype, defineKernel, type Launch, tiles } from './kernel.ts';
import { packWeight, paddedCols, TILE_COLS } from './matmul/role.ts';

/** What all kernels of convolutions compute; see conv.wgsl. `inner` is a multiple of 16, `cols` of 4. */
export interface ConvShape {
  /** Whose maps lie one after the other; 1 by default. */
  images?: number;
  /** Of the output; the map is square. The shader reads it from the length of `y` and the number of images. */
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
  /** Of x, r, c and y, and of w; float32 by default. */
  dtype?: Dtype;
  weights?: Dtype;
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

export const convMacs = ({ images = 1, side, inner, cols, kernel }: ConvShape): number =>
  images * side * side * inner * cols * kernel * kernel;

/** How a form of the kernel whose tiles have that many rows is launched. */
export const convLaunch = (shape: ConvShape, tileRows: number): Launch => ({
  constants: convConstants(shape),
  machine: { elem: shape.dtype ?? 'f32', weight: shape.weights ?? 'f32' },
  workgroups: [tiles(shape.cols, TILE_COLS), tiles(shape.side * shape.side, tileRows), shape.images ?? 1],
  macs: convMacs(shape),
});

export const conv = defineKernel('conv', wgsl, (shape: ConvShape) => convLaunch(shape, 56));

/** With fewer registers: a step is read when it is due. */
export const convInTime = defineKernel('conv', wgsl, (shape: ConvShape) => {
  const launch = convLaunch(shape, 56);
  return { ...launch, machine: { ...launch.machine, AHEAD: 0 } };
});

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
