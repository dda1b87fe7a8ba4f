/** The element types of the safetensors format and how many bits each takes. */
import type { Dtype } from './checkpoint.ts';

// biome-ignore format: by width
const DTYPES: readonly Dtype[] = [
  'F4', 'F6_E2M3', 'F6_E3M2', 'BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ',
  'I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32', 'I64', 'U64', 'F64', 'C64',
];

/** A type's name says it first of all; BOOL takes a byte. */
export const BITS: ReadonlyMap<string, number> = new Map(DTYPES.map((dtype) => [dtype, Number(/\d+/.exec(dtype) ?? 8)]));

export function isDtype(text: string): text is Dtype {
  return BITS.has(text);
}

/** Bytes of a tensor: Infinity for one of more than 2^53 - 1 bits, and no whole number where its elements do not fill whole bytes. */
export function bytesOf(dtype: Dtype, shape: readonly number[]): number {
  let bits = BITS.get(dtype) as number;
  // A double never rounds below 2^53 what is above it, so the comparison is exact though the product may not be.
  for (const n of shape) {
    bits *= n;
    if (bits > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  return bits / 8;
}
