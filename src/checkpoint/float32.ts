/** The engine's way to float32 weights. */
import type { Checkpoint } from './checkpoint.ts';
import { inFloat32 } from './values.ts';

/** As `inFloat32`, but that F32 data may lie anywhere: see `aligned`. @throws FaceXFormerError WRONG_WEIGHTS */
export function asFloat32(checkpoint: Checkpoint): Checkpoint {
  const plain = [...checkpoint.tensors.values()].every(({ dtype }) => dtype === 'F32' || dtype === 'I64');
  return plain ? checkpoint : inFloat32(checkpoint);
}

/** F32 data as numbers, viewed where it lies at a multiple of 4, else copied. */
export function aligned(data: Uint8Array): Float32Array {
  const { buffer, byteOffset } = data.byteOffset % 4 === 0 ? data : new Uint8Array(data); // not slice: a Buffer's is a view
  return new Float32Array(buffer, byteOffset, data.byteLength / 4);
}
