import { inRows } from './answer.ts';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import { TILE_COLS } from './matmul/role.ts';
import wgsl from './packRows.wgsl';

export interface PackRowsShape extends Images {
  cols: number;
  inner: number;
  scale: number;
  /** How x is stored, and how y is; float32 by default. */
  dtype?: Dtype;
  weights?: Dtype;
}

export const packRows = defineKernel(
  'packRows',
  wgsl,
  ({ images = 1, cols, inner, scale, dtype = 'f32', weights = 'f32' }: PackRowsShape) => ({
    constants: { COLS: cols, INNER: inner, SCALE: scale },
    machine: { elem: dtype, weight: weights },
    workgroups: [tiles(cols, TILE_COLS) * inner, 1, images],
    macs: 0,
  }),
  ({ cols, inner, scale }, { x }) =>
    inRows(TILE_COLS, (row, column) => {
      const n = Math.floor(row / inner) * TILE_COLS + column;
      return n < cols ? scale * x(n * inner + (row % inner)) : 0;
    }),
);
