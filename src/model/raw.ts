/** Raw tensors of a frame under PyTorch's names and shapes: `output.*`, `tap.*`, `resized`, `pixels`. */
import { fromFloat16 } from '../checkpoint/float16.ts';
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
      const data = dtype === 'f16' ? float32Of(new Uint16Array(bytes)) : new Float32Array(bytes);
      tensors[named(name)] = { shape, data: arrange ? arrange(data) : data };
    }
  }
  return tensors;
}

function float32Of(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  fromFloat16(halves, values);
  return values;
}

function named(name: string): string {
  if (name === 'pixels') return name;
  return (TASKS as readonly string[]).includes(name) ? `output.${name}` : `tap.${name}`;
}
