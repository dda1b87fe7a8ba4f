/** The element types of the safetensors format and how many bits each takes. */
import type { Dtype } from './checkpoint.ts';

export const BITS: ReadonlyMap<string, number> = new Map<Dtype, number>([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ...(['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'] as const).map((d) => [d, 8] as const),
  ...(['I16', 'U16', 'F16', 'BF16'] as const).map((d) => [d, 16] as const),
  ...(['I32', 'U32', 'F32'] as const).map((d) => [d, 32] as const),
  ...(['I64', 'U64', 'F64', 'C64'] as const).map((d) => [d, 64] as const),
]);

export function isDtype(text: string): text is Dtype {
  return BITS.has(text);
}

/** Bytes of a tensor, or why it has no size: more than 2^53 - 1, or elements that do not fill whole bytes. */
export function bytesOf(dtype: Dtype, shape: readonly number[]): number | 'overflow' | 'ragged' {
  let bits = BITS.get(dtype) as number;
  // A double never rounds below 2^53 what is above it, so the comparison is exact though the product may not be.
  for (const n of shape) {
    bits *= n;
    if (bits > Number.MAX_SAFE_INTEGER) return 'overflow';
  }
  return bits % 8 === 0 ? bits / 8 : 'ragged';
}
