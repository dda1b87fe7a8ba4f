/** A strided tensor's elements, side by side. */
import type { Tensor } from './tensors.ts';
import { sizeOf, type TorchFile } from './torch.ts';

/** Most bytes of a storage that are held beside the tensor. */
const SPAN = 32 * 1024 * 1024;

interface Dim {
  n: number;
  /** Elements between neighbours in the storage. */
  stride: number;
  /** Elements between neighbours in the result. */
  step: number;
}

/** The bytes of the tensor in row-major order. */
export async function gather(file: TorchFile, tensor: Tensor): Promise<Uint8Array<ArrayBuffer>> {
  const size = sizeOf(tensor.storage.dtype);
  if (isContiguous(tensor)) return file.read(tensor.storage, tensor.offset * size, tensor.bytes);
  const out = new Uint8Array(tensor.bytes);
  let step = out.length / size;
  const dims = tensor.shape.map((n, i): Dim => {
    step /= n;
    return { n, stride: tensor.strides[i] as number, step };
  });
  await gatherPart(file, tensor, dims, tensor.offset, 0, out);
  return out;
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

/** Reads the part's span of the storage at once if it is short, else goes along the dimension of the longest reach. */
async function gatherPart(file: TorchFile, tensor: Tensor, dims: Dim[], from: number, to: number, out: Uint8Array): Promise<void> {
  const size = sizeOf(tensor.storage.dtype);
  const span = dims.reduce((sum, { n, stride }) => sum + (n - 1) * stride, 1) * size;
  if (span <= SPAN) {
    const data = await file.read(tensor.storage, from * size, span);
    copy(data, size, dims, 0, to, out);
    return;
  }
  const reach = dims.map(({ n, stride }) => (n - 1) * stride);
  const longest = reach.indexOf(Math.max(...reach));
  const { n, stride, step } = dims[longest] as Dim;
  const rest = dims.filter((_, i) => i !== longest);
  for (let i = 0; i < n; i++) await gatherPart(file, tensor, rest, from + i * stride, to + i * step, out);
}

function copy(data: Uint8Array, size: number, dims: readonly Dim[], from: number, to: number, out: Uint8Array): void {
  const [first, ...rest] = dims;
  if (!first) {
    for (let i = 0; i < size; i++) out[to * size + i] = data[from * size + i] as number;
    return;
  }
  for (let i = 0; i < first.n; i++) copy(data, size, rest, from + i * first.stride, to + i * first.step, out);
}
