import { defineKernel, tiles } from './kernel.ts';
import { TILE_COLS } from './matmul.ts';
import wgsl from './packRows.wgsl';

export interface PackRowsShape {
  cols: number;
  inner: number;
  scale: number;
}

export const packRows = defineKernel('packRows', wgsl, ({ cols, inner, scale }: PackRowsShape) => ({
  constants: { COLS: cols, INNER: inner, SCALE: scale },
  workgroups: [tiles(cols, TILE_COLS) * inner, 1, 1],
  macs: 0,
}));
