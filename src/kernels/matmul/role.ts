/** The role of matrix products: their shapes, what every variant of this folder is told, and how weights are packed. */
import { type Answer, activated, byStatistics, dot, inRows, kept, list, type Operand, relu } from '../answer.ts';
import { type Dtype, type Launch, tiles } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import momentsOf from '../parts/momentsOf.wgsl';
import momentsOfQuad from '../parts/momentsOfQuad.wgsl';
import source from '../parts/source.wgsl';
import store from '../parts/store.wgsl';

/** What products are joined with that read x by `source` and finish y by `store`. */
export const SOURCE_TO_STORE: readonly string[] = [source, momentsOf, momentsOfQuad, store, activation, gelu, finite];

/** What every matrix product of this folder computes; see matmul.wgsl. `inner` is a multiple of 16, `cols` of 4. */
export interface MatmulShape {
  rows: number;
  inner: number;
  cols: number;
  activation?: (typeof ACTIVATIONS)[number] | undefined;
  /** Rows of the tensor that is added to the result; a table of fewer rows than the result repeats. None: nothing is added. */
  residualRows?: number | undefined;
  /** Numbers from one row of x to the next; `inner` unless told otherwise. */
  stride?: number;
  /** x is a stream, and its rows are normalised (without gamma and beta, which belong into the weight) as they are read. */
  norm?: { eps: number };
  /** A row of x is the 2x2 neighbours in a map of this side: `inner` is four times its channels. */
  mergeSide?: number;
  /** y, and the residual where there is one, are streams. */
  stream?: boolean;
  /** How many images `rows` are of. */
  images?: number;
  /** Each image has a weight of its own. */
  weightEach?: boolean;
  /** It is made in so many shares of `inner`, as [shares, rows, cols] of sums; 1 unless told otherwise. */
  shares?: number;
  /** The first share has the bias, so that nothing but their sum is left to do. */
  biased?: boolean;
  /** How x, w, r and y are stored: float32 unless told otherwise. */
  dtypes?: Partial<Record<'input' | 'weight' | 'added' | 'output', Dtype>>;
}

/** Columns of a block of packed weights, and so the multiple to which they are padded. */
export const TILE_COLS = 64;

/** Numbers in a row of a stream: its channels, and four for the statistics of each tile of them. */
export const streamStride = (channels: number): number => channels + (4 * channels) / TILE_COLS;

/** The activations, in the order of the shaders' `ACTIVATION`; `reluLast` comes after the residual, the others before it. */
export const ACTIVATIONS = ['none', 'gelu', 'relu', 'hardSwish', 'reluLast'] as const;

/** What is added to a product, as the shaders' `RESIDUAL` says it: nothing, rows, or a table that repeats. */
export const residualOf = ({ rows, residualRows }: MatmulShape): number => (residualRows === undefined ? 0 : residualRows === rows ? 1 : 2);

/** @throws RangeError: a stream's channels are no multiple of a block's columns */
export function checkStream({ inner, cols, norm, stream }: MatmulShape): void {
  if ((norm && inner % TILE_COLS) || (stream && cols % TILE_COLS)) throw new RangeError(`a stream of ${norm ? inner : cols} channels`);
}

/** The launch of a kernel whose workgroups make tiles of so many rows and columns. Of rows it is told none: there are as many as y and r hold. */
export function productLaunch(shape: MatmulShape, sizes: NonNullable<Launch['machine']>, tileRows: number, tileCols = TILE_COLS) {
  const { rows, inner, cols, activation = 'none', stride = inner, norm, mergeSide = 0, images = 1, shares = 1, dtypes } = shape;
  checkStream(shape);
  if (shape.weightEach && shares > 1) throw new RangeError('a product in shares has one weight');
  const abreast = shape.weightEach ? images : 1;
  const whole = shares === 1; // a share is mere sums: the rest is done when they are added
  return {
    constants: {
      INNER: inner,
      COLS: cols,
      ACTIVATION: whole ? ACTIVATIONS.indexOf(activation) : 0,
      RESIDUAL: whole ? residualOf(shape) : 0,
      X_ROW: stride / 4,
      SIDE: mergeSide,
      NORM: Number(!!norm),
      EPS: norm?.eps ?? 0,
      STREAM: Number(whole && !!shape.stream),
    },
    machine: { ...sizes, ...dtypes, ...(shares > 1 && { added: 'f32', output: 'f32' }) },
    workgroups: [tiles(cols, tileCols), tiles(rows / abreast, tileRows), abreast * shares],
    macs: rows * inner * cols,
  } satisfies Launch;
}

const answer: Answer<MatmulShape> = (shape, { x, w, b, r }) => {
  const { rows, inner, cols, stride = inner, norm, mergeSide = 0, shares = 1, biased } = shape;
  const channels = mergeSide ? inner / 4 : inner;
  const half = mergeSide / 2;
  /** Where a pixel of a row begins, of which there is one, or four neighbours. */
  const pixelOf = (row: number, i: number) =>
    stride * (mergeSide ? (Math.floor(row / half) * 2 + (i % 2)) * mergeSide + (row % half) * 2 + (i >> 1) : row);
  const rowOf = kept((row) => {
    const numbers = list(inner, (k) => x(pixelOf(row, Math.floor(k / channels)) + (k % channels)));
    if (!norm) return numbers;
    const statistics = (k: number) => pixelOf(row, Math.floor(k / channels)) + channels + (k % channels) / 16;
    return numbers.map(byStatistics(inner, norm.eps, x, (part) => statistics(64 * part)));
  });
  const length = inner / shares;
  const product = (all: number, c: number): number => {
    const row = rowOf(all % rows);
    const first = Math.floor(all / rows) * length;
    const column = Math.floor(c / TILE_COLS) * inner * TILE_COLS + (c % TILE_COLS);
    return dot(row.slice(first, first + length), w, column + first * TILE_COLS, TILE_COLS);
  };
  const share = (all: number, c: number): number => product(all, c) + (biased && all < rows ? b(c) : 0);
  return shares > 1 ? inRows(cols, share) : finishedAnswer(shape, product, b, r);
};

/** Rows that are enough to try a product: more than a tile of most kernels, and none of whole tiles. Where pixels are merged, rows of whole lines. */
const FEW_ROWS = 37;
const FEW_MERGED = 20;

/** A product's first rows. */
const firstRows: Answer<MatmulShape>['firstRows'] = (shape) => {
  const { rows: of, residualRows, mergeSide = 0 } = shape;
  const line = mergeSide / 2;
  const rows = Math.min(of, line ? line * tiles(FEW_MERGED, line) : FEW_ROWS);
  return { shape: { ...shape, rows, residualRows: residualRows === of ? rows : residualRows }, rows, of, axis: 1 };
};

/** What any product has to give, and any share of one. */
export const productAnswer: Answer<MatmulShape> = Object.assign(answer, { firstRows });

/** What is left to do when a product's sums are known. */
export function finishedAnswer(
  { cols, activation, residualRows = 0, stream = false }: MatmulShape,
  sums: (row: number, column: number) => number,
  b: Operand,
  r: Operand,
): (i: number) => number {
  const stride = stream ? streamStride(cols) : cols;
  const cell = (row: number, c: number): number => {
    const v = activated(activation, sums(row, c) + b(c)) + (residualRows && r((row % residualRows) * stride + c));
    return activation === 'reluLast' ? relu(v) : v;
  };
  return inRows(cols, cell, stream);
}

/** Columns of a packed weight: those of the last tile that the layer does not have are zero. */
export const paddedCols = (cols: number): number => tiles(cols, TILE_COLS) * TILE_COLS;

/**
 * A linear layer's weight [cols, inner] as the kernels read it: [ceil(cols/64)][inner][64]. One tile's slice of `inner` is one
 * run of memory.
 * @param factorsOf for columns [n, n + 4), n a multiple of 4, what each input is multiplied by
 */
export function packWeight(
  weight: ArrayLike<number>,
  cols: number,
  inner: number,
  into: Float32Array = new Float32Array(paddedCols(cols) * inner),
  factorsOf?: (n: number) => Float64Array,
): Float32Array {
  const ones = new Float64Array(inner).fill(1);
  for (let n = 0; n < cols; n += 4) {
    const factors = factorsOf?.(n) ?? ones;
    const from = n * inner;
    let at = Math.floor(n / TILE_COLS) * inner * TILE_COLS + (n % TILE_COLS);
    // Four columns at once: what is written side by side shares a line of the processor's cache.
    if (n + 4 <= cols)
      for (let k = 0; k < inner; k++, at += TILE_COLS) {
        const factor = factors[k] as number;
        into[at] = (weight[from + k] as number) * factor;
        into[at + 1] = (weight[from + inner + k] as number) * factor;
        into[at + 2] = (weight[from + 2 * inner + k] as number) * factor;
        into[at + 3] = (weight[from + 3 * inner + k] as number) * factor;
      }
    else
      for (let k = 0; k < inner; k++, at += TILE_COLS)
        for (let i = 0; n + i < cols; i++) into[at + i] = (weight[from + i * inner + k] as number) * (factors[k] as number);
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
export function transposed<Into extends Float32Array | Float64Array>(
  weight: ArrayLike<number>,
  cols: number,
  into: Into,
  { stride = cols, first = 0, scale = 1 }: { stride?: number; first?: number; scale?: number | undefined } = {},
): Into {
  const inner = weight.length / cols;
  for (let n = 0; n < cols; n++) for (let k = 0; k < inner; k++) into[k * stride + first + n] = scale * (weight[n * inner + k] as number);
  return into;
}
