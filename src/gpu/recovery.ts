/**
 * What lives on a GPU, and another one like it when that GPU is lost: browsers take a GPU away when its driver restarts, when their GPU process
 * ends, or when a tab has slept for long.
 */

import type { Gpu } from './device.ts';
import { disposed, FaceXFormerError, gpuLost, throwIfAborted } from './errors.ts';
import { pause, unless } from './waiting.ts';

/** What is on a GPU and goes with it. */
export interface Resident {
  readonly gpu: Gpu;
  /** Frees what there is on the GPU. May be called again, and on a GPU that was lost. */
  destroy(): void;
}

/** What is told when a GPU is lost. */
export interface GpuLoss {
  /** DEVICE_LOST: what calls under way at that moment fail with. */
  readonly error: FaceXFormerError;
  /**
   * Whether all is on another GPU device now, and calls are answered again; false where there is none, and every call fails with DEVICE_LOST from
   * then on. Never rejects.
   */
  readonly recovered: Promise<boolean>;
}

/** Milliseconds before each attempt. They are used up by losses in a row, with no answer between: a GPU that dies of our work would do so for ever. */
export const WAITS = [0, 500, 2000, 5000];
/** A device that lasted for so many milliseconds did not die of what was made on it. */
const LASTING = 60_000;
/** A promise that fails because its device is lost may do so before the loss is told: milliseconds to wait for that. */
const TELLING = 50;

/** Failures of a load after which another one may succeed: memory, too, is short while other pages' engines come back. */
const PASSING: readonly string[] = ['DEVICE_LOST', 'GPU_ERROR', 'LIMIT', 'WEIGHTS_UNREACHABLE'];

/** Makes it on a GPU. @param before what was lost */
export type Make<T> = { make(signal: AbortSignal | undefined, before?: T): Promise<T> }['make']; // a method's: what makes a kind may stand for what makes any

/** Makes it, and once more where its GPU is lost meanwhile. @param mayRepeat asked after a failure */
export async function madeAtFirst<T>(make: Make<T>, signal: AbortSignal | undefined, mayRepeat: () => boolean): Promise<T> {
  for (const wait of WAITS.slice(1)) {
    try {
      return await make(signal);
    } catch (error) {
      if (!isLoss(error) || !mayRepeat()) throw error;
      await pause(wait, signal);
    }
  }
  return make(signal);
}

export class Recovery<T extends Resident> {
  /** What there is, or was before the GPU was lost. */
  now: T;
  /** The recovery under way. */
  #coming: Promise<T> | undefined;
  /** Why there will be none any more. */
  #over: FaceXFormerError | undefined;
  readonly #gone = new AbortController();
  /** Aborted by `dispose`. */
  readonly gone = this.#gone.signal;
  #attempts = 0;
  #since = performance.now();
  #tell!: (loss: GpuLoss) => void;
  /** Settles when the GPU is lost next, and stays where that is for good; never after `dispose`. */
  lost!: Promise<GpuLoss>;

  /** @param make makes another one; `never` instead: why there is to be none */
  constructor(
    first: T,
    private readonly make: Make<T> | { readonly never: string },
  ) {
    this.now = first;
    this.#listen();
    this.#watch(first);
  }

  /** What there is, as soon as a recovery under way is over. @throws FaceXFormerError DEVICE_LOST, for good; DISPOSED; ABORTED */
  async whole(signal?: AbortSignal): Promise<T> {
    const one = await unless(signal, this.#coming ?? this.now);
    this.check();
    return one;
  }

  /** @throws FaceXFormerError DISPOSED; DEVICE_LOST where that came first */
  check(): void {
    if (this.#over) throw this.#over;
    this.mustLive();
  }

  /** @throws FaceXFormerError DISPOSED */
  mustLive(): void {
    if (this.gone.aborted) throw disposed();
  }

  /** What is begun on a GPU that is gone, or for nobody, would be left there. @throws FaceXFormerError DEVICE_LOST, DISPOSED, ABORTED */
  mustGoOn({ gpu }: T, signal: AbortSignal | undefined): void {
    this.check();
    if (gpu.lost.aborted) throw gpuLost(gpu.lost.reason);
    throwIfAborted(signal);
  }

  /**
   * What work gives on the GPU while that is there: a loss ends the waiting at once, and never comes out as numbers.
   * @param repeat whether it is done once more when the GPU was lost and there is another
   * @throws FaceXFormerError DEVICE_LOST, DISPOSED, and what the work throws
   */
  async run<Result>(
    work: (on: T) => Promise<Result>,
    { signal, repeat }: { signal?: AbortSignal | undefined; repeat?: boolean | (() => boolean | undefined) | undefined } = {},
  ): Promise<Result> {
    const on = await this.whole(signal);
    try {
      return await this.unlessLost(on, work(on));
    } catch (error) {
      if (!isLoss(error) || this.gone.aborted || !(typeof repeat === 'function' ? repeat() : repeat)) throw error;
      return this.run(work, { signal });
    }
  }

  /** What one of its GPU's promises gives, unless that is lost. @throws FaceXFormerError DEVICE_LOST, DISPOSED */
  async unlessLost<Result>({ gpu }: T, given: Promise<Result>): Promise<Result> {
    try {
      const value = await unless(this.gone, unless(gpu.lost, given, gpuLost)); // a device that was lent is not lost by `dispose`
      if (this.gone.aborted) this.check();
      return value;
    } catch (error) {
      if (!gpu.lost.aborted && isOfGpu(error)) await pause(TELLING, gpu.lost).catch(() => {});
      else await Promise.resolve(); // a loss that caused this is known by then
      if (this.gone.aborted) this.check(); // before the GPU, which disposing loses
      if (gpu.lost.aborted) throw gpuLost(gpu.lost.reason, { cause: error });
      throw error;
    }
  }

  /** The GPU gave an answer: what is lost next begins a new row of losses. */
  answered(): void {
    this.#attempts = 0;
  }

  /** Frees everything. What waits fails with DISPOSED, but with DEVICE_LOST where the GPU was lost before. May be called again. */
  dispose(): void {
    if (this.now.gpu.lost.aborted && !this.gone.aborted) this.#over ??= gpuLost(this.now.gpu.lost.reason);
    this.#gone.abort();
    this.now.destroy();
  }

  #listen(): void {
    this.lost = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  #watch(one: T): void {
    const { lost } = one.gpu;
    if (lost.aborted) this.#replace(one);
    else lost.addEventListener('abort', () => this.#replace(one), { once: true });
  }

  #replace(dead: T): void {
    if (this.gone.aborted) return;
    const tell = this.#tell;
    this.#coming = this.#recovered(dead);
    const recovered = this.#coming.then(
      () => true,
      () => false,
    );
    tell({ error: gpuLost(dead.gpu.lost.reason), recovered });
  }

  async #recovered(dead: T): Promise<T> {
    await Promise.resolve(); // who waits for the dead one hears of its loss first
    dead.destroy();
    const why = String(dead.gpu.lost.reason);
    if (!(typeof this.make === 'function')) throw this.#end(`The GPU was lost (${why}). ${this.make.never}`);
    if (performance.now() - this.#since > LASTING) this.#attempts = 0;
    let failure: unknown;
    while (this.#attempts < WAITS.length) {
      try {
        await pause(WAITS[this.#attempts++] as number, this.gone);
        const made = await this.make(this.gone, dead);
        if (this.gone.aborted) made.destroy();
        throwIfAborted(this.gone);
        this.now = made;
        this.#since = performance.now();
        this.#coming = undefined;
        this.#listen();
        this.#watch(made);
        return made;
      } catch (error) {
        if (this.gone.aborted) throw this.#over ?? disposed();
        failure = error;
        if (!PASSING.includes(FaceXFormerError.from(error).code)) break;
      }
    }
    throw this.#end(`The GPU was lost (${why}), and ${whyNoOther(failure)}`, failure);
  }

  #end(message: string, cause?: unknown): FaceXFormerError {
    this.#over = new FaceXFormerError('DEVICE_LOST', message, cause === undefined ? undefined : { cause });
    return this.#over;
  }
}

/** Whether a loss may be behind it. */
const isOfGpu = (error: unknown): boolean => ['DEVICE_LOST', 'GPU_ERROR'].includes(FaceXFormerError.from(error).code);

export const isLoss = (error: unknown): boolean => error instanceof FaceXFormerError && error.code === 'DEVICE_LOST';

function whyNoOther(failure: unknown): string {
  const { code, message } = failure === undefined ? ({} as { code?: string; message?: string }) : FaceXFormerError.from(failure);
  if (code === 'NO_ADAPTER')
    return 'the browser gives no other: Chrome refuses a page whose GPU was lost twice within minutes. Reload the page, or restart the browser.';
  if (code === undefined || code === 'DEVICE_LOST')
    return `was lost again ${WAITS.length} times in a row. Reload the page, or update the graphics driver.`;
  return `the way back failed: ${message} Load again when that is mended.`;
}
