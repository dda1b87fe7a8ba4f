/**
 * Proof that a frame ran. GPUs and drivers have been seen whose dispatches do nothing, and say nothing of it: what is read then is zeros, or the
 * frame before. Each frame ends with a dispatch that counts, and its count must be higher than that of the frame before.
 */
import { stamp } from '../kernels/stamp.ts';
import { gpuError } from './errors.ts';
import { bindGroupOf, dispatch, type Pipelines } from './pipelines.ts';

/** Bytes of a stamp in what is read. */
export const STAMP_BYTES = 4;

export class Stamp {
  #last = 0;

  private constructor(
    private readonly pipeline: GPUComputePipeline,
    private readonly buffer: GPUBuffer,
    private readonly bindGroup: GPUBindGroup,
  ) {}

  /** The caller minds the memory that it may not get. @param pipeline of `Stamp.pipeline` */
  static on(device: GPUDevice, pipeline: GPUComputePipeline): Stamp {
    const buffer = device.createBuffer({ label: 'stamp', size: 16, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    return new Stamp(pipeline, buffer, bindGroupOf(device, 'stamp', pipeline, [{ buffer }]));
  }

  /** @throws FaceXFormerError GPU_ERROR */
  static pipeline(pipelines: Pipelines): Promise<GPUComputePipeline> {
    return pipelines.get(stamp, stamp.launch({}));
  }

  /** To be the last dispatch of a frame. */
  encode(pass: GPUComputePassEncoder): void {
    dispatch(pass, this.pipeline, this.bindGroup, [1, 1, 1]);
  }

  /** Copies this frame's stamp behind what is read of it. */
  copy(encoder: GPUCommandEncoder, staging: GPUBuffer, at: number): void {
    encoder.copyBufferToBuffer(this.buffer, 0, staging, at, STAMP_BYTES);
  }

  /** To be asked once a frame, in their order. @throws FaceXFormerError GPU_ERROR: the frame did not run */
  check(mapped: ArrayBuffer, at: number): void {
    const count = new DataView(mapped).getUint32(at, true);
    if (((count - this.#last) | 0) <= 0)
      throw gpuError('The GPU took the frame and did not run it. Reload the page, or update the graphics driver.');
    this.#last = count;
  }

  destroy(): void {
    this.buffer.destroy();
  }
}
