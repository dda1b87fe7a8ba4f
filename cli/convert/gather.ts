/** Tensors' elements, side by side. */
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Storage, Tensor } from './tensors.ts';
import { sizeOf, type TorchFile } from './torch.ts';

interface Dim {
  n: number;
  /** Elements between neighbours in the storage. */
  stride: number;
  /** Elements between neighbours in the result. */
  step: number;
}

/**
 * Reads tensors of one file, each once. A strided tensor is picked out of the stretch of its storage that it reaches over. Where many
 * of them reach over the same bytes, the storage is read once and held until the last of them has come, so that no file makes its
 * reader read more than twice what it holds.
 */
export class Gatherer {
  readonly #file: TorchFile;
  /** What is known of each storage with strided tensors: how many of them are to come, and the bytes over which they reach together. */
  readonly #strided = new Map<Storage, { left: number; reach: number; held: Uint8Array | undefined }>();

  constructor(file: TorchFile, tensors: Iterable<Tensor>) {
    this.#file = file;
    for (const tensor of tensors) {
      if (isContiguous(tensor)) continue;
      const { storage } = tensor;
      const known = this.#strided.get(storage) ?? { left: 0, reach: 0, held: undefined };
      this.#strided.set(storage, { ...known, left: known.left + 1, reach: known.reach + spanOf(tensor) });
    }
  }

  /** The bytes of the tensor in row-major order. */
  async gather(tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
    const { storage, offset, shape, strides, bytes } = tensor;
    const size = sizeOf(storage.dtype);
    const strided = this.#strided.get(storage);
    if (isContiguous(tensor) || !strided) return this.#file.read(storage, offset * size, bytes);
    const out = room(bytes);
    let step = bytes / size;
    const dims = shape.map((n, i): Dim => {
      step /= n;
      return { n, stride: strides[i] as number, step };
    });
    const loops = dims.filter(({ n }) => n > 1); // each doubles the elements at least, so that the loops take no longer than they
    const whole = storage.count * size;
    strided.left--;
    if (strided.reach > 2 * whole) {
      strided.held ??= await this.#file.read(storage, 0, whole);
      copy(strided.held, size, loops, 0, offset, 0, out);
      if (strided.left === 0) strided.held = undefined;
    } else copy(await this.#file.read(storage, offset * size, spanOf(tensor)), size, loops, 0, 0, 0, out);
    return out;
  }
}

/** Bytes of the storage from the tensor's first element to its last. */
function spanOf({ storage, shape, strides }: Tensor): number {
  return shape.reduce((sum, n, i) => sum + (n - 1) * (strides[i] as number), 1) * sizeOf(storage.dtype);
}

function room(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new FaceXFormerError('LIMIT', `No memory for a tensor of ${bytes} bytes.`, { cause });
  }
}

function isContiguous({ shape, strides }: Tensor): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i] as number;
    if (n !== 1 && strides[i] !== expected) return false;
    expected *= n;
  }
  return true;
}

function copy(data: Uint8Array, size: number, dims: readonly Dim[], depth: number, from: number, to: number, out: Uint8Array): void {
  const dim = dims[depth];
  if (!dim) {
    for (let i = 0; i < size; i++) out[to * size + i] = data[from * size + i] as number;
    return;
  }
  for (let i = 0; i < dim.n; i++) copy(data, size, dims, depth + 1, from + i * dim.stride, to + i * dim.step, out);
}
