/** The role of convolutions, an hourglass's and an encoder's: their shapes, what every variant of this folder is told, and how weights are packed. */
import { type Answer, highestOfFour, inRows, type Operand, pixelOf, relu, sum } from '../answer.ts';
import { type Dtype, type Images, type Launch, tiles } from '../kernel.ts';
import { packWeight, paddedCols, TILE_COLS } from '../matmul/role.ts';

/** What all kernels of convolutions compute; see conv.wgsl. `inner` is a multiple of 16, `cols` of 4. */
export interface ConvShape extends Images {
  /** Side of the output, a square map. The shader reads it from the length of `y` and the number of images. */
  side: number;
  /** Channels in and out. */
  inner: number;
  cols: number;
  kernel: 1 | 3;
  /** x is of that many times the side; 1 unless told otherwise, and where it is pooled. */
  stride?: 1 | 2;
  /** Scale, shift and ReLU of x before the convolution. */
  preactivation?: boolean;
  relu?: boolean;
  /** x is of twice the side, and its 2x2 maxima are read. */
  pool?: boolean;
  /** What is added: `r` as it is, or the 2x2 maxima of an `r` of twice the side. */
  residual?: 'none' | 'same' | 'pooled';
  /** Adds `c`, of half the side, each of its pixels to four. */
  coarse?: boolean;
  /** How x, r, c and y are stored, and how w is; float32 by default. */
  dtype?: Dtype;
  weights?: Dtype;
  /** It is made in so many shares of its inner index, as [shares, rows, cols] of sums for `sumConvShares`; 1 unless told otherwise. */
  shares?: number;
}

/** The kinds of residual, in the order of the shaders' `RESIDUAL`. */
export const RESIDUALS = ['none', 'same', 'pooled'] as const;

export const convMacs = ({ images = 1, side, inner, cols, kernel }: ConvShape): number =>
  images * side * side * inner * cols * kernel * kernel;

/** What any convolution has to give, and any share of one. */
export const convAnswer: Answer<ConvShape> = (shape, { x, w, b, s, r, c }) => {
  const { side, inner, cols, kernel, stride = 1, preactivation = false, pool = false, shares = 1 } = shape;
  const pixels = side * side;
  const length = (kernel * kernel * inner) / shares;
  const input = (pixel: number, channel: number): number => {
    const v = pool ? highestOfFour(x, side, pixel, inner, channel) : x(pixel * inner + channel);
    return preactivation ? relu(v * s(channel) + s(inner + channel)) : v;
  };
  const product = (all: number, column: number): number => {
    const first = Math.floor(all / pixels) * length;
    return sum(length, (i) => {
      const k = first + i;
      const pixel = pixelOf(all % pixels, Math.floor(k / inner), side, kernel, stride);
      const weight = w((Math.floor(column / TILE_COLS) * length * shares + k) * TILE_COLS + (column % TILE_COLS));
      return pixel === undefined ? 0 : weight * input(pixel, k % inner);
    });
  };
  return shares > 1 ? inRows(cols, product) : finishedConv(shape, product, b, r, c);
};

/** What is left to do when a convolution's sums are known. */
export const finishedConv = (
  { side, cols, relu: isRelu, residual = 'none', coarse }: ConvShape,
  sums: (row: number, column: number) => number,
  b: Operand,
  r: Operand,
  c: Operand,
): ((i: number) => number) =>
  inRows(cols, (place, column) => {
    let v = sums(place, column) + b(column);
    if (isRelu) v = relu(v);
    if (residual === 'same') v += r(place * cols + column);
    if (residual === 'pooled') v += highestOfFour(r, side, place, cols, column);
    const half = ((Math.floor(place / side) >> 1) * side) / 2 + ((place % side) >> 1);
    return coarse ? v + c(half * cols + column) : v;
  });

/** The launch of a kernel whose workgroups make tiles of so many rows and columns. */
export const convLaunch = (shape: ConvShape, sizes: NonNullable<Launch['machine']>, tileRows: number, tileCols = TILE_COLS): Launch => {
  const { images = 1, side, inner, cols, kernel, stride = 1, preactivation, pool, shares = 1, dtype = 'f32', weights = 'f32' } = shape;
  const { relu, residual = 'none', coarse } = shares === 1 ? shape : {}; // a share is mere sums: the rest is done when they are added
  return {
    constants: {
      INNER: inner,
      COLS: cols,
      KERNEL: kernel,
      STRIDE: stride,
      PREACTIVATION: Number(!!preactivation),
      RELU: Number(!!relu),
      POOL: Number(!!pool),
      RESIDUAL: RESIDUALS.indexOf(residual),
      COARSE: Number(!!coarse),
    },
    machine: { ...sizes, elem: dtype, weight: weights, output: shares > 1 ? 'f32' : dtype },
    workgroups: [tiles(cols, tileCols), tiles(side * side, tileRows), images * shares],
    macs: convMacs(shape),
  };
};

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
