/** What comes back from the GPU; and a ring of buffers for it: while one frame's results are read, the next frames are on their way. */
import { disposed, FaceXFormerError, gpuError, gpuLost } from './errors.ts';
import { silent } from './scope.ts';
import { Bell, PATIENCE, within } from './waiting.ts';

/** Frames in flight at most: one is read, one runs, one waits on the GPU for its turn. */
export const RING = 3;

export class ReadbackRing {
  readonly #buffers: readonly GPUBuffer[];
  readonly #free: GPUBuffer[];
  readonly #waiting: { take(buffer: GPUBuffer): void; refuse(error: FaceXFormerError): void }[] = [];
  readonly #idle = new Bell();
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
    if (this.#free.length === RING) this.#idle.ring();
  }

  /** Waits until no frame uses any. */
  idle(): Promise<void> {
    return this.#free.length === RING ? Promise.resolve() : this.#idle.heard();
  }

  /** Reading under way fails, and so does who waits. */
  destroy(): void {
    this.destroyed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    for (const { refuse } of this.#waiting.splice(0)) refuse(disposed());
  }
}

/**
 * Reads what a buffer holds, its first `bytes` or all, once the GPU has done what it was given; the buffer is unmapped again.
 * @param what was given to the GPU, in words
 * @param refused what the GPU refused of it
 * @param patience milliseconds that the GPU may take
 * @throws FaceXFormerError GPU_ERROR, DEVICE_LOST, and what `read` throws
 */
export async function readBack<T>(
  buffer: GPUBuffer,
  what: string,
  refused: Promise<GPUError | undefined>,
  read: (mapped: ArrayBuffer) => T,
  { bytes, patience = PATIENCE.gpu }: { bytes?: number; patience?: number } = {},
): Promise<T> {
  const mapping = (async () => buffer.mapAsync(GPUMapMode.READ, 0, bytes))();
  const [said, mapped] = await Promise.allSettled([refused, within(patience, mapping, silent)]);
  try {
    if (said.status === 'rejected') throw said.reason;
    if (said.value) throw gpuError(`The GPU refused ${what}: ${said.value.message}`);
    if (mapped.status === 'rejected') throw failure(mapped.reason, what);
    return read(buffer.getMappedRange(0, bytes)); // from its beginning: a part would have to begin at a multiple of 8
  } finally {
    if (buffer.mapState !== 'unmapped') buffer.unmap(); // or gives up waiting
  }
}

/** What a reading meets that failed. */
function failure(cause: unknown, what: string): FaceXFormerError {
  if (cause instanceof FaceXFormerError) return cause;
  const { name, message } = cause as Error;
  // What a map says when its device goes: AbortError, or OperationError in older browsers.
  if (name === 'AbortError' || name === 'OperationError') return gpuLost('while it worked', { cause });
  return gpuError(`The GPU could not run ${what}: ${message}`, { cause });
}
