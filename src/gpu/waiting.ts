/** Waiting for answers that may never come, or that nobody wants any more. */
import { aborted } from './errors.ts';

/** Milliseconds after which who has not answered will not. */
export const PATIENCE = {
  /** The browser, asked for an adapter: it answers at once, but behind the pipelines of a load that failed where a CPU compiles them. */
  adapter: 60_000,
  /** A driver, asked for a device. */
  device: 60_000,
  /** A server or a decoder, asked for a picture. */
  picture: 60_000,
  /** A GPU that has work: where a CPU does its work, the first frame compiles for a minute or two. */
  gpu: 300_000,
  /** A detector, which is to say itself that its GPU is silent. */
  detector: 600_000,
};

/**
 * What a promise gives, unless the signal is aborted first. What it gives later is dropped, and so is its failure.
 * @param why makes an error of the signal's reason: ABORTED unless told otherwise
 */
export function unless<T>(
  signal: AbortSignal | undefined,
  answer: T | PromiseLike<T>,
  why: (reason: unknown) => Error = aborted,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(why(signal?.reason));
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener('abort', stop));
  });
}

/**
 * What is given one after the other, until the signal is aborted: also where the next one never comes. What is thrown as who gives it lets go comes
 * after all that matters.
 * @throws FaceXFormerError ABORTED
 */
export async function* eachUnless<T>(
  signal: AbortSignal | undefined,
  items: Iterable<T> | AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const each = (async function* () {
    yield* items;
  })();
  try {
    for (let next = await unless(signal, each.next()); !next.done; next = await unless(signal, each.next())) yield next.value;
  } finally {
    await unless(signal, each.return()).catch(() => {});
  }
}

/** What a promise gives, or a failure where it gives nothing for so long. What comes later is dropped. */
export function within<T>(milliseconds: number, answer: PromiseLike<T>, late: () => Error): Promise<T> {
  // Without a signal, which would take four times as long: a frame waits so several times.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds);
    Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Does something with what a promise gives, once it is there. Where it fails, others who await it are told. */
export function whenThere<T>(given: PromiseLike<T> | undefined, work: (value: T) => void): void {
  given?.then(work, () => {});
}

/** What is waited for again and again. */
export class Bell {
  #waiting: (() => void)[] = [];

  /** Settles when it rings next. */
  heard(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  ring(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Waits so long. @throws FaceXFormerError ABORTED */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1)); // of more, timers make none
  });
  await unless(signal, over).finally(() => clearTimeout(timer));
}
