import { type Dtype, defineKernel, type Launch, tiles } from './kernel.ts';
import wgsl from './matmul.wgsl';

/** What every matrix product of this folder computes; see matmul.wgsl. `inner` is a multiple of 16, `cols` of 4. */
export interface MatmulShape {
  rows: number;
  inner: number;
  cols: number;
  activation?: 'none' | 'gelu' | 'relu' | undefined;
  /** Rows of the tensor that is added to the result; a table of fewer rows than the result repeats. None: nothing is added. */
  residualRows?: number | undefined;
}

/** What the products for GPUs do besides. */
export interface StreamMatmulShape extends MatmulShape {
  /** Numbers from one row of x to the next; `inner` unless told otherwise. */
  stride?: number;
  /** x is a stream, and its rows are normalised (without gamma and beta, which belong into the weight) as they are read. */
  norm?: { eps: number };
  /** A row of x is the 2x2 neighbours in a map of this side: `inner` is four times its channels. */
  mergeSide?: number;
  /** y, and the residual where there is one, are streams. */
  stream?: boolean;
  /** How many images `rows` are of; the tiles are chosen for one, so that batches share its pipelines. */
  images?: number;
  /** Each image has a weight of its own. */
  weightEach?: boolean;
  /** How x, w, r and y are stored: float32 unless told otherwise. */
  dtypes?: Partial<Record<'input' | 'weight' | 'added' | 'output', Dtype>>;
}

/** Columns of one tile, and so the multiple to which packed weights are padded. */
export const TILE_COLS = 64;

/** Numbers in a row of a stream: its channels, and four for the statistics of each tile of them. */
export const streamStride = (channels: number): number => channels + (4 * channels) / TILE_COLS;

/** In the order of the shaders' `ACTIVATION`. */
export const ACTIVATIONS = ['none', 'gelu', 'relu'] as const;

/** Of rows the shaders are told none: there are as many as y and r hold. */
function streamMatmulConstants(shape: StreamMatmulShape): Launch['constants'] {
  const { rows, inner, cols, activation = 'none', residualRows, stride = inner, norm, mergeSide = 0, stream = false } = shape;
  if ((norm && inner % TILE_COLS) || (stream && cols % TILE_COLS)) throw new RangeError(`a stream of ${norm ? inner : cols} channels`);
  return {
    INNER: inner,
    COLS: cols,
    ACTIVATION: ACTIVATIONS.indexOf(activation),
    RESIDUAL: residualRows === undefined ? 0 : residualRows === rows ? 1 : 2,
    X_ROW: stride / 4,
    SIDE: mergeSide,
    NORM: Number(!!norm),
    EPS: norm?.eps ?? 0,
    STREAM: Number(stream),
  };
}

/** Workgroups that keep a large GPU busy: two for each of 64 cores. */
const ENOUGH = 128;

/**
 * A machine shape of `matmul`: tiles of 7 * ROW_GROUPS rows, SPLIT shares of `inner`, TILE_K of each a step, which is read a step AHEAD unless
 * that is 0.
 */
export type MatmulTile = Readonly<Record<'ROW_GROUPS' | 'SPLIT' | 'TILE_K', number>> & { readonly AHEAD?: 0 };

/**
 * Tiles of 56 rows, of 28 where those leave no row over and 56 would (a map of 14 x 14), of 49 where the map has no more. Threads are whole
 * waves of 64, so that 28 rows take two shares of `inner` abreast, as do all tiles where there are few.
 */
export function matmulTile({ rows, inner, cols, images = 1 }: StreamMatmulShape): MatmulTile {
  const each = rows / images;
  const groups = each === 49 ? 7 : each % 56 !== 0 && each % 28 === 0 ? 4 : 8;
  const count = tiles(each, 7 * groups) * tiles(cols, TILE_COLS);
  let split = groups === 4 ? 2 : 1;
  while (split < 4 && count * split < ENOUGH && inner % (split * 256) === 0) split *= 2;
  return { ROW_GROUPS: groups, SPLIT: split, TILE_K: split === 1 ? 16 : 8 };
}

/** The launch of a kernel for these products whose workgroups make tiles of so many rows and columns; images with a weight each are its z. */
export function streamLaunch(
  shape: StreamMatmulShape,
  sizes: NonNullable<Launch['machine']>,
  tileRows: number,
  tileCols = TILE_COLS,
): Launch {
  const { rows, inner, cols, images = 1, weightEach = false, dtypes } = shape;
  const abreast = weightEach ? images : 1;
  return {
    constants: streamMatmulConstants(shape),
    machine: { ...sizes, ...dtypes },
    workgroups: [tiles(cols, tileCols), tiles(rows / abreast, tileRows), abreast],
    macs: rows * inner * cols,
  };
}

export const matmulWith = (tileOf: (shape: StreamMatmulShape) => MatmulTile) =>
  defineKernel('matmul', wgsl, (shape: StreamMatmulShape) => {
    const tile = tileOf(shape);
    return streamLaunch(shape, tile, 7 * tile.ROW_GROUPS);
  });

export const matmul = matmulWith(matmulTile);

/** Columns of a packed weight: those of the last tile that the layer does not have are zero. */
export const paddedCols = (cols: number): number => tiles(cols, TILE_COLS) * TILE_COLS;

/**
 * A linear layer's weight [cols, inner] as the kernels read it: [ceil(cols/64)][inner][64]. One tile's slice of `inner` is one
 * run of memory.
 */
export function packWeight(
  weight: ArrayLike<number>,
  cols: number,
  inner: number,
  into: Float32Array = new Float32Array(paddedCols(cols) * inner),
): Float32Array {
  for (let n = 0; n < cols; n++) {
    const tile = Math.floor(n / TILE_COLS) * inner * TILE_COLS + (n % TILE_COLS);
    for (let k = 0; k < inner; k++) into[tile + k * TILE_COLS] = weight[n * inner + k] as number;
  }
  return into;
}

/**
 * A 2x2 transposed convolution of stride 2 as a linear layer: weight [inner, out, 2, 2] becomes the rows (dy * 2 + dx) * out + o,
 * packed. One pixel's product is then its four pixels side by side.
 */
export function packTransposed(
  weight: ArrayLike<number>,
  inner: number,
  out: number,
  into: Float32Array = new Float32Array(paddedCols(4 * out) * inner),
): Float32Array {
  const rows = new Float32Array(4 * out * inner);
  for (let k = 0; k < inner; k++)
    for (let o = 0; o < out; o++)
      for (let quarter = 0; quarter < 4; quarter++) rows[(quarter * out + o) * inner + k] = weight[(k * out + o) * 4 + quarter] as number;
  return packWeight(rows, 4 * out, inner, into);
}

/**
 * A linear layer's weight [cols, inner] with its inputs outermost: [inner][cols].
 * @param at where in rows of `stride` numbers the columns begin, and by what they are multiplied
 */
export function transposed(
  weight: ArrayLike<number>,
  cols: number,
  into: Float32Array,
  { stride = cols, first = 0, scale = 1 }: { stride?: number; first?: number; scale?: number | undefined } = {},
): Float32Array {
  const inner = weight.length / cols;
  for (let n = 0; n < cols; n++) for (let k = 0; k < inner; k++) into[k * stride + first + n] = scale * (weight[n * inner + k] as number);
  return into;
}
