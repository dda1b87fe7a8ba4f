import { defineKernel } from './kernel.ts';
import wgsl from './windowAttention.wgsl';

export interface WindowAttentionShape {
  /** Side of the square map, a multiple of the window's 7. */
  side: number;
  /** Heads of 32 dimensions. */
  heads: number;
  /** 0 or 3. */
  shift: number;
}

export const windowAttention = defineKernel('windowAttention', wgsl, ({ side, heads, shift }: WindowAttentionShape) => ({
  constants: { SIDE: side, HEADS: heads, SHIFT: shift },
  workgroups: [(side / 7) ** 2, heads, 1],
  macs: side * side * 49 * heads * 64,
}));

/** `relative_position_bias_table` [169, heads] as the kernel reads it: [heads][169]. */
export function packBiasTable(table: ArrayLike<number>, heads: number): Float32Array {
  const packed = new Float32Array(heads * 169);
  for (let h = 0; h < heads; h++) for (let i = 0; i < 169; i++) packed[h * 169 + i] = table[i * heads + h] as number;
  return packed;
}
