import { type MatmulTile, matmul, matmulWith } from '../../src/kernels/matmul.ts';
import { productCases, streamCases } from './product.ts';
import type { KernelCase } from './run.ts';

/** What the tuner may choose, and the desktop's table does not: tiles of 98 rows, steps of another length, and steps that are read in time. */
const TILES: MatmulTile[] = [
  { ROW_GROUPS: 14, SPLIT: 1, TILE_K: 16 },
  { ROW_GROUPS: 14, SPLIT: 2, TILE_K: 8 },
  { ROW_GROUPS: 8, SPLIT: 1, TILE_K: 8 },
  { ROW_GROUPS: 4, SPLIT: 2, TILE_K: 16 },
  { ROW_GROUPS: 4, SPLIT: 4, TILE_K: 8, AHEAD: 0 },
];

const tileCases = (tile: MatmulTile): KernelCase[] =>
  streamCases(matmulWith(() => tile))
    .filter(({ name }) => name.startsWith('to a stream'))
    .map((one) => ({
      ...one,
      name: `${one.name}; tile of ${7 * tile.ROW_GROUPS} rows, ${tile.SPLIT} x ${tile.TILE_K} a step${tile.AHEAD === 0 ? ', in time' : ''}`,
    }));

export const cases = [...productCases(matmul), ...streamCases(matmul), ...TILES.flatMap(tileCases)];
