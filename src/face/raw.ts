/** Raw tensors of a frame under PyTorch's names and shapes: `output.*`, `tap.*`, `resized`, `pixels`. */
import { float32Of } from '../checkpoint/from-float16.ts';
import type { Plan } from '../graph/plan.ts';
import type { RawOutputs } from './results.ts';

/** A tensor that the network made, under the shape that PyTorch gives it; bytes for pictures, else float32. */
export interface RawTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/**
 * Everything that the plan read back, but for the mask, which is a result and not an output of the network.
 * @param outputs the network's outputs that are among it; what is left are taps
 */
export function rawTensors(plan: Plan, results: ReadonlyMap<string, ArrayBuffer>, outputs: RawOutputs): Record<string, RawTensor> {
  const tensors: Record<string, RawTensor> = {};
  for (const { name, shape, arrange, dtype } of plan.readbacks) {
    const bytes = results.get(name) as ArrayBuffer;
    if (name === 'mask') continue;
    if (name === 'resized') tensors['resized'] = { shape: [224, 224, 3], data: unpackRgb(new Uint32Array(bytes)) };
    else {
      const data = dtype === 'f16' ? float32Of(new Uint16Array(bytes)) : new Float32Array(bytes);
      tensors[name in outputs ? `output.${name}` : name === 'pixels' ? name : `tap.${name}`] = {
        shape,
        data: arrange ? arrange(data) : data,
      };
    }
  }
  return tensors;
}

/** The kernel's packed pixels as [.., 3] bytes. */
export function unpackRgb(packed: Uint32Array): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array(packed.length * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = (packed[Math.floor(i / 3)] as number) >>> (8 * (i % 3));
  return rgb;
}
