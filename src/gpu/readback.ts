/** A ring of readback buffers: while one frame's results are read, the next frames are on their way. */
import { disposed, FaceXFormerError, gpuLost } from './errors.ts';

/** Frames in flight at most: one is read, one runs, one waits on the GPU for its turn. */
export const RING = 3;

export class ReadbackRing {
  readonly #buffers: readonly GPUBuffer[];
  readonly #free: GPUBuffer[];
  readonly #waiting: { take(buffer: GPUBuffer): void; refuse(error: FaceXFormerError): void }[] = [];
  readonly #whenIdle: (() => void)[] = [];
  /** Ends by `destroy()`. */
  destroyed = false;

  /** Creates the buffers; the caller minds the memory they may not get. */
  constructor(device: GPUDevice, bytes: number) {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    this.#buffers = Array.from({ length: RING }, (_, i) =>
      device.createBuffer({ label: `readback ${i}`, size: Math.max(4, bytes), usage }),
    );
    this.#free = [...this.#buffers];
  }

  /** A buffer that no frame uses; first come, first served. @throws FaceXFormerError DISPOSED */
  async take(): Promise<GPUBuffer> {
    if (this.destroyed) throw disposed();
    return this.#free.shift() ?? new Promise((take, refuse) => this.#waiting.push({ take, refuse }));
  }

  /** Gives an unmapped buffer back. */
  release(buffer: GPUBuffer): void {
    const next = this.#waiting.shift();
    if (next) next.take(buffer);
    else this.#free.push(buffer);
    if (this.#free.length === RING) for (const idle of this.#whenIdle.splice(0)) idle();
  }

  /** Waits until no frame uses any. */
  idle(): Promise<void> {
    return this.#free.length === RING ? Promise.resolve() : new Promise((idle) => this.#whenIdle.push(idle));
  }

  /** Reading under way fails, and so does who waits. */
  destroy(): void {
    this.destroyed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    for (const { refuse } of this.#waiting.splice(0)) refuse(disposed());
  }
}

/** What a frame meets whose reading failed. */
export function failure(cause: unknown, what: string): FaceXFormerError {
  if (cause instanceof FaceXFormerError) return cause;
  const { name, message } = cause as Error;
  // What a map says when its device goes: AbortError, or OperationError in older browsers.
  if (name === 'AbortError' || name === 'OperationError') return gpuLost('while it worked', { cause });
  return new FaceXFormerError('GPU_ERROR', `${what} could not be run: ${message}`, { cause });
}
