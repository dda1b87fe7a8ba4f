import { matmul, matmulWith, tileOf } from '../../src/kernels/matmul/matmul.ts';
import { productCases, sharesCases, streamCases } from './product.ts';
import type { KernelCase } from './run.ts';

/** The other tiles and sums a thread that tables and tuner take, and one whose steps are read in time. */
const TILES = [
  tileOf('16x128', '4x4'),
  tileOf('64x64', '4x4'),
  tileOf('49x64', '7x4'),
  tileOf('28x64', '7x8'),
  tileOf('98x64', '7x8'),
  tileOf('64x64', '8x4'),
  tileOf('32x64', '4x4', true),
];

const said = ({ TILE_ROWS, TILE_QUADS, ROWS, QUADS, AHEAD }: (typeof TILES)[number]): string =>
  `tile of ${TILE_ROWS} x ${4 * TILE_QUADS}, ${ROWS} x ${4 * QUADS} a thread${AHEAD === 0 ? ', in time' : ''}`;

const tileCases = (tile: (typeof TILES)[number]): KernelCase[] =>
  streamCases(matmulWith(() => tile))
    .filter(({ name }) => /^(to a stream|a weight for each image|patch merging, two)/.test(name))
    .map((one) => ({ ...one, name: `${one.name}; ${said(tile)}` }));

const narrow = tileOf('64x32', '4x4');
const narrowCases = productCases(matmulWith(() => narrow))
  .filter(({ name }) => /^(Swin stage 3, MLP|one row short|tiles of 49 rows)/.test(name))
  .map((one) => ({ ...one, name: `${one.name}; ${said(narrow)}` }));

export const cases = [...productCases(matmul), ...streamCases(matmul), ...sharesCases(matmul), ...TILES.flatMap(tileCases), ...narrowCases];
