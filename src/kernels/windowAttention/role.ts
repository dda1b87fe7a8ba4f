/** The role of Swin's window attention: the shape that every variant of this folder takes, and its work. */
import { type Dtype, tiles } from '../kernel.ts';

export interface WindowAttentionShape {
  /** How many images there are, whose maps lie one after the other; 1 by default. */
  images?: number;
  /**
   * Side of the square map. One that is no multiple of the window's 7 is padded at the right and at the bottom as torchvision does it; then t has,
   * behind its table, the q, k and v that the projection makes of zeros: its bias, the queries' scaled.
   */
  side: number;
  /** Heads of 32 dimensions. */
  heads: number;
  /** The windows are shifted by so many rows and columns: 0 or 3. */
  shift: number;
  /** How x and y are stored; float32 by default. */
  dtype?: Dtype;
}

/** Multiply-adds: scores, and values times them. */
export const windowMacs = ({ images = 1, side, heads }: WindowAttentionShape): number =>
  images * (7 * tiles(side, 7)) ** 2 * 49 * heads * 64;
