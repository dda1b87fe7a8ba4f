/** Raw tensors of a frame under PyTorch's names and shapes: `output.*`, `tap.*`, `resized`, `pixels`. */
import { toFloat32 } from '../checkpoint/values.ts';
import type { Plan } from '../graph/plan.ts';
import { unpackRgb } from '../image/resize.ts';
import { TASKS } from './labels.ts';

export interface RawTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/** Everything that the plan read back, but for the mask, which is a result and not an output of the network. */
export function rawTensors(plan: Plan, results: ReadonlyMap<string, ArrayBuffer>): Record<string, RawTensor> {
  const tensors: Record<string, RawTensor> = {};
  for (const { name, shape, arrange, dtype } of plan.readbacks) {
    const bytes = results.get(name) as ArrayBuffer;
    if (name === 'mask') continue;
    if (name === 'resized') tensors['resized'] = { shape: [224, 224, 3], data: unpackRgb(new Uint32Array(bytes)) };
    else {
      const data = dtype === 'f16' ? fromFloat16(name, bytes) : new Float32Array(bytes);
      tensors[named(name)] = { shape, data: arrange ? arrange(data) : data };
    }
  }
  return tensors;
}

function fromFloat16(name: string, bytes: ArrayBuffer): Float32Array {
  return toFloat32({ name, dtype: 'F16', shape: [bytes.byteLength / 2], bytes: bytes.byteLength }, new Uint8Array(bytes));
}

function named(name: string): string {
  if (name === 'pixels') return name;
  return (TASKS as readonly string[]).includes(name) ? `output.${name}` : `tap.${name}`;
}
