import { defineKernel, tiles } from '../kernel.ts';
import activation from '../parts/activation.wgsl';
import columns from '../parts/columns.wgsl';
import finite from '../parts/finite.wgsl';
import gelu from '../parts/gelu.wgsl';
import lanes from '../parts/lanes.wgsl';
import wgsl from './matmulSubgroup.wgsl';
import { ACTIVATIONS, checkStream, productAnswer, type StreamMatmulShape, TILE_COLS } from './role.ts';

const ROWS = 28;

export const matmulSubgroup = defineKernel(
  'matmulSubgroup',
  [wgsl, columns, lanes, activation, gelu, finite],
  (shape: StreamMatmulShape) => {
    checkStream(shape);
    const {
      rows,
      inner,
      cols,
      activation: act = 'none',
      residualRows,
      norm,
      mergeSide,
      stream = false,
      images = 1,
      weightEach,
      dtypes,
    } = shape;
    const abreast = weightEach || mergeSide ? images : 1;
    return {
      constants: {
        MERGE: Number(!!mergeSide),
        NORM: Number(!!norm),
        EPS: norm?.eps ?? 0,
        ACTIVATION: ACTIVATIONS.indexOf(act),
        RESIDUAL: Number(residualRows !== undefined),
        STREAM: Number(stream),
      },
      machine: { ...dtypes },
      workgroups: [tiles(cols, TILE_COLS), tiles(rows / abreast, ROWS), abreast],
      macs: rows * inner * cols,
    };
  },
  productAnswer,
);
