import { defineKernel, type Launch, tiles } from './kernel.ts';
import wgsl from './matmul.wgsl';

/** What the three matrix products of this folder compute; see matmul.wgsl. `inner` is a multiple of 16, `cols` of 4. */
export interface MatmulShape {
  rows: number;
  inner: number;
  cols: number;
  activation?: 'none' | 'gelu' | 'relu';
  /** Rows of the tensor that is added to the result; a table of fewer rows than the result repeats. None: nothing is added. */
  residualRows?: number | undefined;
}

/** Columns of one tile, and so the multiple to which packed weights are padded. */
export const TILE_COLS = 64;

/** In the order of the shaders' `ACTIVATION`. */
export const ACTIVATIONS = ['none', 'gelu', 'relu'] as const;

export function matmulConstants({ rows, inner, cols, activation = 'none', residualRows }: MatmulShape): Launch['constants'] {
  return {
    ROWS: rows,
    INNER: inner,
    COLS: cols,
    ACTIVATION: ACTIVATIONS.indexOf(activation),
    RESIDUAL: residualRows === undefined ? 0 : 1,
    R_ROWS: residualRows ?? 1,
  };
}

export const matmul = defineKernel('matmul', wgsl, (shape: MatmulShape) => {
  // 49 rows are one tile of 7 groups; elsewhere 8 groups are one or two whole waves.
  const groups = shape.rows === 49 ? 7 : 8;
  return {
    constants: matmulConstants(shape),
    machine: { ROW_GROUPS: groups },
    workgroups: [tiles(shape.cols, TILE_COLS), tiles(shape.rows, 7 * groups), 1],
    macs: shape.rows * shape.inner * shape.cols,
  };
});

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
