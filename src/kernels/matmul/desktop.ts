/** Which tiles and shares products take on desktop GPUs. They were measured on one with 132 processors: docs/performance.md has the table. */
import { type InShares, tiles } from '../kernel.ts';
import { type MatmulTile, matmulWith, threadsOf, tileOf, USUAL_TILE } from './matmul.ts';
import type { MatmulShape } from './role.ts';

interface Cell {
  /** It is for products with at most so many rows, and with columns between these bounds. */
  readonly rows: number;
  readonly cols: readonly [least: number, most: number];
  readonly tile: MatmulTile;
  /** Once there are threads enough, a share has at least so much of the inner dimension. */
  readonly share: number;
}

const ANY = [0, Number.POSITIVE_INFINITY] as const;

/** The first cell that fits is taken: they are for maps of 7 x 7, of 14 x 14, of 28 x 28 and for larger ones, where a batch's maps count as one. */
const TABLE: readonly Cell[] = [
  { rows: 32, cols: ANY, tile: USUAL_TILE, share: 128 },
  { rows: 64, cols: ANY, tile: tileOf('64x64', '4x4'), share: 128 },
  { rows: 400, cols: ANY, tile: USUAL_TILE, share: 128 },
  { rows: 800, cols: [128, 256], tile: tileOf('16x128', '4x4'), share: 256 },
  { rows: Number.POSITIVE_INFINITY, cols: ANY, tile: USUAL_TILE, share: 256 },
];

const cellOf = ({ rows, cols }: MatmulShape): Cell =>
  TABLE.find((cell) => rows <= cell.rows && cols >= cell.cols[0] && cols <= cell.cols[1]) as Cell;

/** The largest GPUs of NVIDIA and AMD have some 100 processors and more. Nothing tells a page how many there are. */
const PROCESSORS = 128;

/** Processors with fewer threads than this idle while they wait for memory; more than MOST_THREADS only add to what is to be summed. */
export const FEWEST_THREADS = 190 * PROCESSORS;
const MOST_THREADS = 900 * PROCESSORS;

/** Where tiles are few, a share may have as little of `inner` as this. */
const LEAST_SHARE = 32;

/** Takes as many shares, a power of two, as give every processor its threads; one is enough where tiles alone do. */
function sharesOf(shape: MatmulShape): number {
  if (shape.weightEach) return 1;
  const { tile, share } = cellOf(shape);
  const threads = tiles(shape.rows, tile.TILE_ROWS) * tiles(shape.cols, 4 * tile.TILE_QUADS) * threadsOf(tile);
  const canDouble = (shares: number, least: number) =>
    shape.inner % (2 * shares * tile.TILE_K) === 0 && shape.inner / (2 * shares) >= least;
  let shares = 1;
  while (threads * shares < FEWEST_THREADS && canDouble(shares, LEAST_SHARE)) shares *= 2;
  if (shares > 1) while (2 * threads * shares <= MOST_THREADS && canDouble(shares, share)) shares *= 2;
  return shares;
}

export const desktopMatmul: InShares<MatmulShape> = { kernel: matmulWith((shape) => cellOf(shape).tile), sharesOf };
