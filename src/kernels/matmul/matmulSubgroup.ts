import { defineKernel } from '../kernel.ts';
import columns from '../parts/columns.wgsl';
import product from '../parts/product.wgsl';
import subgroup from '../parts/subgroup.wgsl';
import wgsl from './matmulSubgroup.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE } from './role.ts';

/** What parts/subgroup.wgsl is told of subgroups of four lanes, and of eight. */
export const FOUR = { ROWS: 28, LANES: 4, QUADS: 4 };
export const EIGHT = { ROWS: 28, LANES: 8, QUADS: 1 };

/** A product whose sizes its buffers tell, so that no pipeline is of one size. */
const of = (lanes: typeof FOUR) =>
  defineKernel(
    'matmulSubgroup',
    [wgsl, subgroup, columns, product, ...SOURCE_TO_STORE],
    (shape: MatmulShape) => {
      const { constants, ...launch } = productLaunch(shape, lanes, lanes.ROWS);
      const { INNER: _inner, COLS: _cols, X_ROW: _xRow, ...kind } = constants;
      return { ...launch, constants: kind };
    },
    productAnswer,
  );

export const matmulSubgroup = of(FOUR);
export const matmulSubgroup8 = of(EIGHT);
