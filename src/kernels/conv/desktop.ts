/** Convolutions on desktop GPUs: the tiles of products, in shares where maps are small. */
import { type InShares, tiles } from '../kernel.ts';
import { FEWEST_THREADS } from '../matmul/desktop.ts';
import { type MatmulTile, threadsOf, tileOf, USUAL_TILE } from '../matmul/matmul.ts';
import { convWith } from './conv.ts';
import { type ConvShape, convMacs } from './role.ts';

const LOW_TILE = tileOf('16x64', '4x4');

/** A window of 3 x 3 takes 10 % less time in maps of 28 x 28 and more with half of the rows a tile: docs/performance.md has what was measured. */
const tileFor = ({ side, kernel }: ConvShape): MatmulTile => (kernel === 3 && side >= 28 ? LOW_TILE : USUAL_TILE);

/** A share has at least so much of the inner index. */
const LEAST_SHARE = 64;

/** A convolution of fewer multiply-adds and no longer an inner index is done before a second dispatch would have begun. */
const FEW_MACS = 10e6;
const SHORT = 256;

/** Takes as few shares as give every processor its threads, or as many as there may be; one is enough where tiles alone do. */
function sharesOf(shape: ConvShape): number {
  const { side, inner, cols, kernel, images = 1 } = shape;
  const tile = tileFor(shape);
  const threads = images * tiles(side * side, tile.TILE_ROWS) * tiles(cols, 4 * tile.TILE_QUADS) * threadsOf(tile);
  const all = kernel * kernel * inner;
  if (all <= SHORT && convMacs(shape) < FEW_MACS) return 1;
  const possible = Array.from({ length: Math.max(1, Math.floor(all / LEAST_SHARE)) }, (_, i) => i + 1).filter(
    (shares) => all % (shares * tile.TILE_K) === 0,
  );
  return possible.find((shares) => threads * shares >= FEWEST_THREADS) ?? (possible.at(-1) as number);
}

export const desktopConv: InShares<ConvShape> = { kernel: convWith(tileFor), sharesOf };
