/**
 * Smaller weights: float16, or int8 with a float32 scale per output channel. Only matrices and kernels are reduced; everything
 * small and delicate (norms, biases, tables, tokens, the position code) stays float32.
 *
 *   f16   the tensor as F16, rounded to nearest even
 *   int8  `NAME_scale`, F32, 1 in every dimension but the output channels', then `NAME`, I8; value = I8 * scale
 */
import type { Checkpoint, ReadOptions, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { toFloat16, unfit } from '../../src/checkpoint/float16.ts';
import { scaleName } from '../../src/checkpoint/values.ts';

export const PRECISIONS = ['f32', 'f16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Two dimensions or more, and neither a table of position biases, nor a token, nor the position code. */
export function isReducible({ name, dtype, shape }: TensorInfo): boolean {
  return dtype === 'F32' && shape.length > 1 && !/(relative_position_bias_table|gaussian_matrix|_tokens?\.weight)$/.test(name);
}

/** The dimension of a weight's output channels: the first, but the second of a transposed convolution ([in, out, kh, kw]). */
export function outputAxis({ name, shape }: TensorInfo): 0 | 1 {
  return shape.length === 4 && name.includes('output_upscaling') ? 1 : 0;
}

/** The same weights in another precision. `checkpoint` must be in float32 (`inFloat32`). */
export function reduced(checkpoint: Checkpoint, precision: Precision): Checkpoint {
  if (precision === 'f32') return checkpoint;
  const infos: TensorInfo[] = [];
  for (const info of checkpoint.tensors.values()) {
    if (!isReducible(info)) infos.push(info);
    else if (precision === 'f16') infos.push({ ...info, dtype: 'F16', bytes: info.bytes / 2 });
    else infos.push(scaleInfo(info), { ...info, dtype: 'I8', bytes: info.bytes / 4 });
  }
  const tensors = new Map(infos.map((info) => [info.name, info]));
  return { ...checkpoint, tensors, read: (options) => readReduced(checkpoint, tensors, precision, options) };
}

function scaleInfo(info: TensorInfo): TensorInfo {
  const axis = outputAxis(info);
  const shape = info.shape.map((n, i) => (i === axis ? n : 1));
  return { name: scaleName(info.name), dtype: 'F32', shape, bytes: 4 * (info.shape[axis] as number) };
}

async function* readReduced(checkpoint: Checkpoint, tensors: ReadonlyMap<string, TensorInfo>, precision: Precision, options?: ReadOptions) {
  for await (const { info, data } of checkpoint.read(options)) {
    const as = tensors.get(info.name) as TensorInfo;
    if (!isReducible(info)) {
      yield { info: as, data };
      continue;
    }
    const values = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
    if (precision === 'f16') {
      yield { info: as, data: new Uint8Array(toFloat16(values, info.name).buffer) };
      continue;
    }
    const { scales, rounded } = toInt8(values, info);
    yield { info: tensors.get(scaleName(info.name)) as TensorInfo, data: new Uint8Array(scales.buffer) };
    yield { info: as, data: new Uint8Array(rounded.buffer) };
  }
}

/**
 * int8 per output channel: scale = largest magnitude / 127, value = round(weight / scale).
 * @throws FaceXFormerError WRONG_WEIGHTS if a weight is infinite or NaN
 */
export function toInt8(values: Float32Array, info: TensorInfo): { scales: Float32Array<ArrayBuffer>; rounded: Int8Array<ArrayBuffer> } {
  const axis = outputAxis(info);
  const channels = info.shape[axis] as number;
  const inner = info.shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const scales = new Float32Array(channels);
  for (let start = 0, row = 0; start < values.length; start += inner, row++) {
    let largest = scales[row % channels] as number;
    for (let i = start; i < start + inner; i++) {
      const magnitude = Math.abs(values[i] as number);
      if (!(magnitude < Number.POSITIVE_INFINITY)) throw unfit(info.name, values[i] as number, 'int8');
      if (magnitude > largest) largest = magnitude;
    }
    scales[row % channels] = largest;
  }
  for (let c = 0; c < channels; c++) scales[c] = (scales[c] as number) / 127;
  const rounded = new Int8Array(values.length);
  for (let start = 0, row = 0; start < values.length; start += inner, row++) {
    const scale = scales[row % channels] as number;
    if (scale === 0) continue;
    for (let i = start; i < start + inner; i++) rounded[i] = Math.max(-127, Math.min(127, Math.round((values[i] as number) / scale)));
  }
  return { scales, rounded };
}
