/** Runs one kernel on given arrays, as a plan would, and reads its output back. */
import { Pipelines } from '../../src/gpu/pipelines.ts';
import type { Dtype, Kernel } from '../../src/kernels/kernel.ts';

export type Values = Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

/** How close a kernel must come to its float64 twin; `exact` for kernels of integers. */
export type Bound = 'exact' | { nmse: number; maxAbs?: number };

/** The bound for float32 kernels: NMSE 1e-10. */
export const FLOAT32: Bound = { nmse: 1e-10 };

/** The bound for what is computed in float32 and stored in float16, whose rounding alone is 1e-7 or less. */
export const FLOAT16: Bound = { nmse: 1e-6 };

export interface KernelCase {
  name: string;
  bound: Bound;
  /** Optional WebGPU features that the kernel is written for. */
  features?: readonly GPUFeatureName[];
  /** Of every subgroup, where the kernel counts on it. */
  lanes?: number;
  run(device: GPUDevice): Promise<{ actual: ArrayLike<number>; expected: ArrayLike<number> }>;
}

/** Cases of a kernel that counts on subgroups of so many lanes. */
export const inSubgroups = (lanes: number, cases: readonly KernelCase[]): KernelCase[] =>
  cases.map((one) => ({ ...one, name: `${one.name}, subgroups of ${lanes}`, features: ['subgroups', ...(one.features ?? [])], lanes }));

/** Binds `inputs` by binding name, launches, and returns the `y` of `length` elements of `dtype`'s size, which starts as `start`, or as sentinels. */
export async function runKernel<Shape>(...run: Parameters<typeof runs<Shape>>): Promise<ArrayBuffer> {
  for await (const y of runs(...run)) return y;
  throw new Error('a kernel runs without end');
}

/** The same, made twice. Rejects where the second time gives other bits: so it is with shares, whose sums have to be the same from run to run. */
export async function runKernelTwice<Shape>(...run: Parameters<typeof runs<Shape>>): Promise<ArrayBuffer> {
  let first: ArrayBuffer | undefined;
  for await (const y of runs(...run)) {
    if (first === undefined) {
      first = y;
      continue;
    }
    const bits = new Uint32Array(y);
    if (new Uint32Array(first).some((one, i) => one !== bits[i])) throw new Error('other bits when it is made again');
    break;
  }
  return first as ArrayBuffer;
}

/** What the kernel makes of the same inputs, again and again. */
async function* runs<Shape>(
  device: GPUDevice,
  kernel: Kernel<Shape>,
  shape: Shape,
  inputs: Record<string, Values | GPUTexture>,
  length: number,
  dtype: Dtype = 'f32',
  start?: Uint32Array<ArrayBuffer>,
): AsyncGenerator<ArrayBuffer, void> {
  const launch = kernel.launch(shape);
  const pipeline = await new Pipelines(device).get(kernel, launch);
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const y = device.createBuffer({ label: 'y', size: Math.ceil((length * (dtype === 'f16' ? 2 : 4)) / 4) * 4, usage: storage });
  const made: { destroy(): void }[] = [y];
  const entries = kernel.bindings.map(({ name }, binding) => {
    if (name === 'y') return { binding, resource: { buffer: y } };
    const value = inputs[name];
    if (value === undefined) throw new Error(`${kernel.name}: no input ${name}`);
    if (!ArrayBuffer.isView(value)) return { binding, resource: value.createView({ dimension: '2d-array' }) };
    const buffer = device.createBuffer({ label: name, size: Math.ceil(value.byteLength / 4) * 4, usage: storage });
    const padded = new Uint8Array(buffer.size);
    padded.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    device.queue.writeBuffer(buffer, 0, padded);
    made.push(buffer);
    return { binding, resource: { buffer } };
  });
  const read = device.createBuffer({ size: y.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  made.push(read);
  const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  try {
    for (;;) {
      device.queue.writeBuffer(y, 0, start ?? new Uint32Array(y.size / 4).fill(SENTINEL));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...launch.workgroups);
      pass.end();
      encoder.copyBufferToBuffer(y, 0, read, 0, y.size);
      device.queue.submit([encoder.finish()]);
      await read.mapAsync(GPUMapMode.READ);
      const result = read.getMappedRange().slice(0);
      read.unmap();
      yield result;
    }
  } finally {
    for (const object of made) object.destroy();
  }
}

/** What `y` holds before the kernel runs: a NaN with a pattern of its own, as float32 and as two float16, so that what is never written shows. */
export const SENTINEL = 0x7fc57fc5;

/** Values in [-1, 1) from a seed: the same in every run and every runtime. */
export function randomValues(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = (state >>> 0) / 2 ** 31 - 1;
  }
  return values;
}
