/** Stored elements to float32: the one type that the engine computes from. */
import { wrongWeights } from '../gpu/errors.ts';
import type { Checkpoint, Dtype, ReadOptions, TensorInfo } from './checkpoint.ts';
import { fromFloat16 } from './float16.ts';
import { badFile } from './header-json.ts';
import { sound } from './sound.ts';

/**
 * A tensor's values as float32. F32 data is viewed where it lies if it lies at a multiple of 4; everything else is a fresh array.
 * F16 and BF16 are exact, F64 is rounded to nearest even.
 * @param room to be written into, instead of a fresh array
 * @throws FaceXFormerError WRONG_WEIGHTS for a type that is not floating-point
 */
export function toFloat32({ name, dtype }: TensorInfo, data: Uint8Array, room?: ArrayBuffer): Float32Array {
  const size = FLOAT_BYTES[dtype];
  if (size === undefined) throw wrongWeights(`${name} is ${dtype}; weights must be F32, F16, BF16, F64, or I8 beside a scale.`);
  if (dtype === 'F32') return aligned(data);
  const out = new Float32Array(room ?? new ArrayBuffer((4 * data.byteLength) / size), 0, data.byteLength / size);
  const { buffer, byteOffset } = inSteps(size, data);
  if (dtype === 'F64') out.set(new Float64Array(buffer, byteOffset, out.length));
  else (dtype === 'F16' ? fromFloat16 : fromBfloat16)(new Uint16Array(buffer, byteOffset, out.length), out);
  return out;
}

/** F32 data as numbers, viewed where it lies at a multiple of 4, else copied. */
export function aligned(data: Uint8Array): Float32Array {
  const { buffer, byteOffset } = inSteps(4, data);
  return new Float32Array(buffer, byteOffset, data.byteLength / 4);
}

/** The same where it lies at a multiple of its elements' size, else a copy, which slice would not make of a Buffer. */
const inSteps = (size: number, data: Uint8Array): Uint8Array => (data.byteOffset % size === 0 ? data : new Uint8Array(data));

const FLOAT_BYTES: Partial<Record<Dtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

function fromBfloat16(halves: Uint16Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] as number) << 16;
}

/** The name under which an I8 tensor's scales are stored: F32, of the tensor's rank, 1 in every dimension but the output channels'. */
export const scaleName = (name: string): string => `${name}_scale`;

/**
 * The same checkpoint with every floating-point tensor as F32 and every I8 tensor multiplied out with its scales; other types pass
 * as they are. `data` lies at a multiple of 4 and belongs to the receiver until it asks for the next tensor.
 * @throws FaceXFormerError WRONG_WEIGHTS for an I8 tensor whose scales are missing or misshapen
 */
export function inFloat32(checkpoint: Checkpoint): Checkpoint {
  const own = sound(checkpoint);
  const { tensors } = own;
  const decoded = new Map<string, TensorInfo>();
  for (const info of tensors.values()) {
    if (isScale(info, tensors)) continue;
    const scaled = info.dtype === 'I8' && tensors.has(scaleName(info.name));
    if (scaled) scaleAxis(info, tensors.get(scaleName(info.name)) as TensorInfo);
    const count = info.shape.reduce((n, d) => n * d, 1);
    decoded.set(info.name, scaled || FLOAT_BYTES[info.dtype] ? { ...info, dtype: 'F32', bytes: 4 * count } : info);
  }
  return { ...own, tensors: decoded, read: (options) => readDecoded(own, decoded, options) };
}

function isScale({ name }: TensorInfo, tensors: ReadonlyMap<string, TensorInfo>): boolean {
  return name.endsWith('_scale') && tensors.get(name.slice(0, -'_scale'.length))?.dtype === 'I8';
}

async function* readDecoded(checkpoint: Checkpoint, decoded: ReadonlyMap<string, TensorInfo>, options?: ReadOptions) {
  const scales = new Map<string, Float32Array>();
  let room = new ArrayBuffer(0);
  for await (const { info, data } of checkpoint.read(options)) {
    if (isScale(info, checkpoint.tensors)) {
      scales.set(info.name, toFloat32(info, data).slice());
      continue;
    }
    const as = decoded.get(info.name) as TensorInfo;
    if (as.dtype !== 'F32') {
      yield { info: as, data };
      continue;
    }
    if (info.dtype !== 'F32' && room.byteLength < as.bytes) room = new ArrayBuffer(as.bytes);
    let values: Float32Array;
    if (info.dtype === 'I8') {
      const scale = scales.get(scaleName(info.name));
      if (!scale) throw badFile(`${scaleName(info.name)} comes after ${info.name}; safetensors writers put F32 before I8`);
      values = new Float32Array(room, 0, as.bytes / 4);
      multiplyOut(info, data, scale, scaleAxis(info, checkpoint.tensors.get(scaleName(info.name)) as TensorInfo), values);
      scales.delete(scaleName(info.name));
    } else values = toFloat32(info, data, room);
    yield { info: as, data: new Uint8Array(values.buffer, values.byteOffset, as.bytes) };
  }
}

/** The dimension along which the scales run. */
function scaleAxis(info: TensorInfo, scale: TensorInfo): number {
  const axis = scale.shape.findIndex((n) => n !== 1);
  const fits = scale.dtype === 'F32' && scale.shape.length === info.shape.length;
  if (!fits || scale.shape.some((n, i) => n !== (i === axis ? info.shape[i] : 1)))
    throw wrongWeights(`${scale.name} is ${scale.dtype} [${scale.shape}], which does not fit ${info.name} of [${info.shape}].`);
  return Math.max(axis, 0);
}

function multiplyOut({ shape }: TensorInfo, data: Uint8Array, scale: Float32Array, axis: number, out: Float32Array): void {
  const values = new Int8Array(data.buffer, data.byteOffset, data.byteLength);
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const channels = scale.length;
  for (let start = 0, row = 0; start < values.length; start += inner, row++) {
    const by = scale[row % channels] as number;
    for (let i = start; i < start + inner; i++) out[i] = (values[i] as number) * by;
  }
}
