/** The role of Swin's window attention: the shape that every variant of this folder takes, and its work. */
import type { Dtype } from '../kernel.ts';

export interface WindowAttentionShape {
  /** How many images there are, whose maps lie one after the other; 1 by default. */
  images?: number;
  /** Side of the square map, a multiple of the window's 7. */
  side: number;
  /** Heads of 32 dimensions. */
  heads: number;
  /** The windows are shifted by so many rows and columns: 0 or 3. */
  shift: number;
  /** How x and y are stored; float32 by default. */
  dtype?: Dtype;
}

/** Multiply-adds: scores, and values times them. */
export const windowMacs = ({ images = 1, side, heads }: WindowAttentionShape): number => images * side * side * 49 * heads * 64;
