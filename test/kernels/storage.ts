/** Arrays as kernels store them: float32, or the bits of float16. */

import { toFloat16 } from '../../src/checkpoint/float16.ts';
import { toFloat32 } from '../../src/checkpoint/values.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { type KernelCase, SENTINEL } from './run.ts';

/** What the buffer holds of these values. */
export const stored = (values: Float32Array, dtype: Dtype): Float32Array | Uint16Array => (dtype === 'f16' ? toFloat16(values) : values);

/** The numbers that a buffer holds; float16 that were never written come out as float32 that were never written. */
export function numbersOf(
  buffer: ArrayBuffer,
  dtype: Dtype,
  length = buffer.byteLength / (dtype === 'f16' ? 2 : 4),
): Float32Array<ArrayBuffer> {
  if (dtype === 'f32') return new Float32Array(buffer, 0, length);
  const halves = new Uint16Array(buffer, 0, length);
  const info = { name: 'y', dtype: 'F16', shape: [length], bytes: 2 * length } as const;
  const numbers = Float32Array.from(toFloat32(info, new Uint8Array(buffer, 0, 2 * length)));
  const bits = new Uint32Array(numbers.buffer);
  for (let i = 0; i < length; i++) if (halves[i] === (SENTINEL & 0xffff)) bits[i] = SENTINEL;
  return numbers;
}

/** The values as they are after storing: what a twin computes from. */
export const rounded = (values: Float32Array<ArrayBuffer>, dtype: Dtype): Float32Array<ArrayBuffer> =>
  dtype === 'f16' ? numbersOf(toFloat16(values).buffer, 'f16') : values;

/** The features that a case of that storage needs. */
export const featuresOf = (...dtypes: readonly (Dtype | undefined)[]): Pick<KernelCase, 'features'> =>
  dtypes.includes('f16') ? { features: ['shader-f16'] } : {};
