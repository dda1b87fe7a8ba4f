/** Products on desktop GPUs, as they were measured on one with 132 processors: docs/performance.md has the table. */
import { tiles } from '../kernel.ts';
import { type MatmulTile, matmulWith, threadsOf, tileOf, USUAL_TILE } from './matmul.ts';
import type { Matmul, StreamMatmulShape } from './role.ts';

interface Cell {
  /** Of products with at most so many rows, and columns between these bounds. */
  readonly rows: number;
  readonly cols: readonly [least: number, most: number];
  readonly tile: MatmulTile;
  /** How much of the inner dimension a share has at least, once there are threads enough. */
  readonly share: number;
}

const ANY = [0, Number.POSITIVE_INFINITY] as const;

/** The first that fits is taken. Maps of 7 x 7, of 14 x 14, of 28 x 28, and all that are larger, a batch's maps as one. */
const TABLE: readonly Cell[] = [
  { rows: 32, cols: ANY, tile: USUAL_TILE, share: 128 },
  { rows: 64, cols: ANY, tile: tileOf('64x64', '4x4'), share: 128 },
  { rows: 400, cols: [2048, Number.POSITIVE_INFINITY], tile: tileOf('64x32', '4x4'), share: 128 },
  { rows: 400, cols: ANY, tile: USUAL_TILE, share: 128 },
  { rows: 800, cols: [128, 256], tile: tileOf('16x128', '4x4'), share: 256 },
  { rows: Number.POSITIVE_INFINITY, cols: ANY, tile: USUAL_TILE, share: 256 },
];

const cellOf = ({ rows, cols }: StreamMatmulShape): Cell =>
  TABLE.find((cell) => rows <= cell.rows && cols >= cell.cols[0] && cols <= cell.cols[1]) as Cell;

/** Threads a processor: with fewer than the first it idles while it waits for memory, more than the second only add to what is to be summed. */
const FEWEST_THREADS = 160;
const MOST_THREADS = 900;

/** The least of `inner` that a share may have, where tiles are few. */
const LEAST_SHARE = 32;

/** As many shares, a power of two, as give every processor its threads; one where tiles alone do. @param processors that the GPU is assumed to have */
export function sharesFor(shape: StreamMatmulShape, processors: number): number {
  if (shape.weightEach) return 1;
  const { tile, share } = cellOf(shape);
  const threads = tiles(shape.rows, tile.TILE_ROWS) * tiles(shape.cols, 4 * tile.TILE_QUADS) * threadsOf(tile);
  const canDouble = (shares: number, least: number) =>
    shape.inner % (2 * shares * tile.TILE_K) === 0 && shape.inner / (2 * shares) >= least;
  let shares = 1;
  while (threads * shares < FEWEST_THREADS * processors && canDouble(shares, LEAST_SHARE)) shares *= 2;
  if (shares > 1) while (2 * threads * shares <= MOST_THREADS * processors && canDouble(shares, share)) shares *= 2;
  return shares;
}

const kernel = matmulWith((shape) => cellOf(shape).tile);

/** For GPUs of 100 processors and more, the latest of NVIDIA's and AMD's; nothing tells a page how many there are. */
export const largeDesktop: Matmul = { kernel, sharesOf: (shape) => sharesFor(shape, 128) };

/** For those of laptops and of earlier years: tiles are enough. */
export const smallDesktop: Matmul = { kernel, sharesOf: () => 1 };
