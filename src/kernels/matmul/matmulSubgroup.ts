import { defineKernel, tiles } from '../kernel.ts';
import wgsl from './matmulSubgroup.wgsl';
import { ACTIVATIONS, type MatmulShape, TILE_COLS } from './role.ts';

export const matmulSubgroup = defineKernel('matmulSubgroup', wgsl, (shape: MatmulShape) => ({
  constants: { ACTIVATION: ACTIVATIONS.indexOf(shape.activation ?? 'none'), RESIDUAL: Number(shape.residualRows !== undefined) },
  workgroups: [tiles(shape.cols, TILE_COLS), tiles(shape.rows, 28), 1],
  macs: shape.rows * shape.inner * shape.cols,
}));
