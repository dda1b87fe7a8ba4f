/** The adapter's roofs, measured with two kernels of our own: multiply-adds in registers, and a copy of memory. */
import { passTimer, type Timer } from '../../src/graph/timer.ts';
import peakCopyWgsl from './probes/peakCopy.wgsl';
import peakMultiplyAddWgsl from './probes/peakMultiplyAdd.wgsl';
import type { Roofline } from './result.ts';

const THREADS = 64;
/** Bytes of a thread in `peakCopy`, one way. */
const COPIED = 64;
/** Floating-point operations of a round and thread in `peakMultiplyAdd`: 16 vectors of 4, two each. */
const FLOPS = 128;
const ATTEMPTS = 5;

/** @throws FaceXFormerError BAD_OPTION without `timestamp-query`; Error where the GPU has no memory for it */
export async function measureRoofline(device: GPUDevice, software: boolean): Promise<Roofline> {
  const timer = passTimer(device);
  try {
    const rounds = 256;
    const groups = software ? 256 : 4096;
    const seconds = await fastest(
      timer,
      device,
      { name: 'peakMultiplyAdd', code: peakMultiplyAddWgsl, constants: { ROUNDS: rounds } },
      groups,
      16 * THREADS * groups,
    );
    // More than any cache holds, and no more than one binding may be.
    const bytes = (software ? 32 : 128) * 2 ** 20;
    const copying = await fastest(timer, device, { name: 'peakCopy', code: peakCopyWgsl, constants: {} }, bytes / COPIED / THREADS, bytes);
    return { gflops: (FLOPS * rounds * THREADS * groups) / seconds / 1e9, gigabytesPerSecond: (2 * bytes) / copying / 1e9 };
  } finally {
    timer.destroy();
  }
}

interface Probe {
  readonly name: string;
  readonly code: string;
  readonly constants: Record<string, number>;
}

/** Seconds of one dispatch, the best of a few measurements; `x` holds numbers just under 1. */
async function fastest(timer: Timer, device: GPUDevice, { name, code, constants }: Probe, groups: number, size: number): Promise<number> {
  const module = device.createShaderModule({ label: name, code });
  const pipeline = await device.createComputePipelineAsync({
    label: name,
    layout: 'auto',
    compute: { module, entryPoint: name, constants },
  });
  device.pushErrorScope('out-of-memory');
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const [x, y] = [device.createBuffer({ label: 'x', size, usage }), device.createBuffer({ label: 'y', size, usage })];
  try {
    if (await device.popErrorScope()) throw new Error(`the GPU has no memory for two buffers of ${size} bytes`);
    device.queue.writeBuffer(x, 0, new Float32Array(64).fill(0.9999));
    const entries = [x, y].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = device.createBindGroup({ label: name, layout: pipeline.getBindGroupLayout(0), entries });
    const times: number[] = [];
    for (let i = 0; i < ATTEMPTS; i++) {
      const { milliseconds } = await timer.measure((pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(groups);
      });
      times.push(milliseconds / 1000);
    }
    return Math.min(...times);
  } finally {
    x.destroy();
    y.destroy();
  }
}
