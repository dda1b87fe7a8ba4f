import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import lanes from '../parts/lanes.wgsl';
import product from '../parts/product.wgsl';
import wgsl from './matmulSubgroup.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE } from './role.ts';

const TILE_ROWS = 28;

/** The launch of a variant whose buffers tell the sizes, so that no pipeline is of one size. */
export const subgroupLaunch = (shape: MatmulShape) => {
  const { constants, ...launch } = productLaunch(shape, {}, TILE_ROWS);
  const { INNER: _inner, COLS: _cols, X_ROW: _xRow, ...kind } = constants;
  return { ...launch, constants: kind };
};

export const matmulSubgroup = defineKernel(
  'matmulSubgroup',
  [wgsl, columns, lanes, product, ...SOURCE_TO_STORE],
  subgroupLaunch,
  productAnswer,
);
