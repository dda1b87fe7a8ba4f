import { defineKernel, tiles } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import lanes from '../parts/lanes.wgsl';
import wgsl from './matmulSubgroup.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE, TILE_COLS } from './role.ts';

const ROWS = 28;

export const matmulSubgroup = defineKernel(
  'matmulSubgroup',
  [wgsl, columns, lanes, ...SOURCE_TO_STORE],
  (shape: MatmulShape) => {
    const { rows, cols, residualRows, mergeSide, images = 1, weightEach } = shape;
    const { constants, ...launch } = productLaunch(shape, {}, ROWS);
    const { NORM, EPS, ACTIVATION, STREAM } = constants;
    const abreast = weightEach || mergeSide ? images : 1;
    return {
      ...launch,
      constants: { MERGE: Number(!!mergeSide), NORM, EPS, ACTIVATION, RESIDUAL: residualRows === undefined ? 0 : 2, STREAM },
      workgroups: [tiles(cols, TILE_COLS), tiles(rows / abreast, ROWS), abreast],
    };
  },
  productAnswer,
);
