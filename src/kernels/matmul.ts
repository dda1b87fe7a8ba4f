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

export function matmulConstants({ rows, inner, cols, activation = 'none', residualRows }: MatmulShape): Launch['constants'] {
  return {
    ROWS: rows,
    INNER: inner,
    COLS: cols,
    ACTIVATION: ['none', 'gelu', 'relu'].indexOf(activation),
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

/**
 * A linear layer's weight [cols, inner] as the kernels read it: [ceil(cols/64)][inner][64], columns past the end zero.
 * One tile's slice of `inner` is one run of memory.
 */
export function packWeight(weight: ArrayLike<number>, cols: number, inner: number): Float32Array {
  const packed = new Float32Array(tiles(cols, TILE_COLS) * TILE_COLS * inner);
  for (let n = 0; n < cols; n++) {
    const tile = Math.floor(n / TILE_COLS) * inner * TILE_COLS + (n % TILE_COLS);
    for (let k = 0; k < inner; k++) packed[tile + k * TILE_COLS] = weight[n * inner + k] as number;
  }
  return packed;
}
