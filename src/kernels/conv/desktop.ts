/** Convolutions on desktop GPUs: the tiles of products, in shares where maps are small. */
import { tiles } from '../kernel.ts';
import { threadsOf, USUAL_TILE } from '../matmul/matmul.ts';
import { conv } from './conv.ts';
import { type Conv, type ConvShape, convMacs } from './role.ts';

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
  const threads = images * tiles(side * side, USUAL_TILE.TILE_ROWS) * tiles(cols, 4 * USUAL_TILE.TILE_QUADS) * threadsOf(USUAL_TILE);
  const all = kernel * kernel * inner;
  if (all < SHORT && convMacs(shape) < FEW_MACS) return 1;
  const possible = Array.from({ length: Math.max(1, Math.floor(all / LEAST_SHARE)) }, (_, i) => i + 1).filter(
    (shares) => all % (shares * USUAL_TILE.TILE_K) === 0,
  );
  return possible.find((shares) => threads * shares >= FEWEST_THREADS * processors) ?? (possible.at(-1) as number);
}

/** For those of laptops and of earlier years: tiles are enough. */
export const smallDesktopConv: Conv = { kernel: conv, sharesOf: () => 1 };

/** For GPUs of 100 processors and more. */
export const largeDesktopConv: Conv = { kernel: conv, sharesOf: (shape) => convSharesFor(shape, 128) };
