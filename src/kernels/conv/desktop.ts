/** Convolutions on desktop GPUs: the tiles of products, in shares where maps are small. */
import { tiles } from '../kernel.ts';
import { type MatmulTile, threadsOf, tileOf, USUAL_TILE } from '../matmul/matmul.ts';
import { convWith } from './conv.ts';
import { type Conv, type ConvShape, convMacs } from './role.ts';

const LOW_TILE = tileOf('16x64', '4x4');

/** The 3x3 ones of maps of 28 x 28 and more take 10 % less with half of the rows: docs/performance.md has what was measured. */
const tileFor = ({ side, kernel }: ConvShape): MatmulTile => (kernel === 3 && side >= 28 ? LOW_TILE : USUAL_TILE);

/** Threads that a processor needs, so that it does not idle while it waits for memory. */
const FEWEST_THREADS = 160;

/** The least of the inner index that a share has. */
const LEAST_SHARE = 64;

/** What has fewer multiply-adds, and an inner index of fewer, is done before a second dispatch would have begun. */
const FEW_MACS = 10e6;
const SHORT = 256;

/** As few shares as give every processor its threads, or as many as there may be; one where tiles alone do. @param processors that the GPU is assumed to have */
export function convSharesFor(shape: ConvShape, processors: number): number {
  const { side, inner, cols, kernel, images = 1 } = shape;
  const tile = tileFor(shape);
  const threads = images * tiles(side * side, tile.TILE_ROWS) * tiles(cols, 4 * tile.TILE_QUADS) * threadsOf(tile);
  const all = kernel * kernel * inner;
  if (all < SHORT && convMacs(shape) < FEW_MACS) return 1;
  const possible = Array.from({ length: Math.max(1, Math.floor(all / LEAST_SHARE)) }, (_, i) => i + 1).filter(
    (shares) => all % (shares * tile.TILE_K) === 0,
  );
  return possible.find((shares) => threads * shares >= FEWEST_THREADS * processors) ?? (possible.at(-1) as number);
}

const conv = convWith(tileFor);

/** For those of laptops and of earlier years: tiles are enough. */
export const smallDesktopConv: Conv = { kernel: conv, sharesOf: () => 1 };

/** For GPUs of 100 processors and more. */
export const largeDesktopConv: Conv = { kernel: conv, sharesOf: (shape) => convSharesFor(shape, 128) };
