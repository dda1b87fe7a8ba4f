import { defineKernel } from '../kernel.ts';
import product from '../parts/product.wgsl';
import sizes from '../parts/sizes.wgsl';
import step from '../parts/step.wgsl';
import wgsl from './matmul.wgsl';
import { type MatmulShape, productAnswer, productLaunch, SOURCE_TO_STORE } from './role.ts';

/**
 * A machine shape of `matmul`: the tile of a workgroup and the sums of a thread, in rows and in vec4 of columns, and TILE_K of `inner` a step,
 * which is read a step ahead unless AHEAD is 0.
 */
export type MatmulTile = Readonly<Record<'TILE_ROWS' | 'TILE_QUADS' | 'ROWS' | 'QUADS' | 'TILE_K', number>> & { readonly AHEAD?: 0 };

/** Tile and sums in rows and columns, as the measured table has them: `tileOf('32x64', '4x4')`. */
export function tileOf(tile: string, sums: string, inTime = false): MatmulTile {
  const [tileRows = 0, tileCols = 0] = tile.split('x').map(Number);
  const [rows = 0, cols = 0] = sums.split('x').map(Number);
  const sizes = { TILE_ROWS: tileRows, TILE_QUADS: tileCols / 4, ROWS: rows, QUADS: cols / 4, TILE_K: 16 };
  return inTime ? { ...sizes, AHEAD: 0 } : sizes;
}

export const threadsOf = ({ TILE_ROWS, TILE_QUADS, ROWS, QUADS }: MatmulTile): number => (TILE_ROWS / ROWS) * (TILE_QUADS / QUADS);

const WORKGROUP_BYTES = 16_384;
const WORKGROUP_THREADS = 256;

/** Whether matmul.wgsl can make a product with this machine shape: its tile, its loop, its workgroup memory. */
export function fits(tile: MatmulTile, { inner, cols, stream = false, shares = 1 }: MatmulShape): boolean {
  const { TILE_ROWS, TILE_QUADS, ROWS, QUADS, TILE_K } = tile;
  const bytes = 4 * TILE_K * ((TILE_ROWS / ROWS + 1) * ROWS + 4 * TILE_QUADS) + 8 * TILE_ROWS;
  return (
    TILE_ROWS % ROWS === 0 &&
    TILE_QUADS % QUADS === 0 &&
    inner % (shares * TILE_K) === 0 &&
    threadsOf(tile) % TILE_QUADS === 0 &&
    threadsOf(tile) >= TILE_ROWS &&
    threadsOf(tile) <= WORKGROUP_THREADS &&
    bytes <= WORKGROUP_BYTES &&
    // A stream's statistics are of 64 columns each, and are told among threads in the room of a step of w.
    (!stream || shares > 1 || (TILE_QUADS % 16 === 0 && TILE_ROWS / ROWS <= TILE_K && cols % 64 === 0))
  );
}

/** The machine shapes that were fast somewhere. */
const TILES = [
  '32x64 4x4',
  '64x64 4x4',
  '64x32 4x4',
  '16x128 4x4',
  '28x64 7x4',
  '49x64 7x4',
  '56x64 7x4',
  '64x64 8x4',
  '56x64 7x8',
  '98x64 7x8',
].map((name) => tileOf(...(name.split(' ') as [string, string])));

/** Gives those that fit a product, the nearest to `own` first. How far they are apart is counted in powers of two of threads, of a tile and of its rows. */
export function tilesNear(own: MatmulTile, shape: MatmulShape): MatmulTile[] {
  const apart = (tile: MatmulTile, size: (tile: MatmulTile) => number) => Math.abs(Math.log2(size(tile) / size(own)));
  const distance = (tile: MatmulTile) =>
    apart(tile, threadsOf) + apart(tile, ({ TILE_ROWS, TILE_QUADS }) => TILE_ROWS * TILE_QUADS) + apart(tile, ({ TILE_ROWS }) => TILE_ROWS);
  return TILES.filter((tile) => fits(tile, shape)).sort((a, b) => distance(a) - distance(b));
}

/** @param choose the machine shape for a product */
export const matmulWith = (choose: (shape: MatmulShape) => MatmulTile) =>
  defineKernel(
    'matmul',
    [wgsl, product, sizes, step, ...SOURCE_TO_STORE],
    (shape: MatmulShape) => {
      const tile = choose(shape);
      if (!fits(tile, shape))
        throw new RangeError(`matmul: no tile of ${tile.TILE_ROWS} x ${4 * tile.TILE_QUADS} for ${JSON.stringify(shape)}`);
      const launch = productLaunch(shape, tile, tile.TILE_ROWS, 4 * tile.TILE_QUADS);
      return { ...launch, constants: { ...launch.constants, SHARES: shape.shares ?? 1, BIASED: Number(!!shape.biased) } };
    },
    productAnswer,
  );

/** Few sums a thread and many threads suit products of many rows. */
export const USUAL_TILE = tileOf('32x64', '4x4');

export const matmul = matmulWith(() => USUAL_TILE);
