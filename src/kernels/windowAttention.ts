import { type Dtype, defineKernel, type Launch, tiles } from './kernel.ts';
import wgsl from './windowAttention.wgsl';

export interface WindowAttentionShape {
  /** Whose maps lie one after the other; 1 by default. */
  images?: number;
  /** Side of the square map, a multiple of the window's 7. */
  side: number;
  /** Heads of 32 dimensions. */
  heads: number;
  /** 0 or 3. */
  shift: number;
  /** Of x and y; float32 by default. */
  dtype?: Dtype;
}

const launch = ({ images = 1, side, heads, shift, dtype = 'f32' }: WindowAttentionShape): Launch => ({
  constants: { SIDE: side, HEADS: heads, SHIFT: shift },
  machine: { elem: dtype },
  workgroups: [(side / 7) ** 2, tiles(heads, 2), images],
  macs: images * side * side * 49 * heads * 64,
});

export const windowAttention = defineKernel('windowAttention', wgsl, launch);
