/** The worker's engines, and its detectors. Components that ask for the same engine share it; one that nobody has any more waits a moment before it goes. */
import type { Mtcnn, MtcnnOptions } from '../detect/mtcnn.ts';
import type { Engine as AnyEngine } from '../engine/engine.ts';
import type { LoadOptions, Progress } from '../engine/options.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import { whenThere } from '../gpu/waiting.ts';
import type { Network } from './protocol.ts';

/** What a worker needs of an engine. */
export type Engine = Pick<AnyEngine, 'tasks' | 'info' | 'lost' | 'analyze' | 'analyzeMany' | 'tune' | 'plan' | 'profile' | 'dispose'>;
/** What a worker needs of a detector. */
export type Detector = Pick<Mtcnn, 'lost' | 'detect' | 'dispose'>;
/** What they are loaded with, and of which network. */
export type NetworkOptions = ({ readonly network: Network } & LoadOptions) | ({ readonly network: 'Mtcnn' } & MtcnnOptions);

/**
 * Milliseconds that an engine outlives its last user. A framework that mounts a component twice, or replaces its module, disposes of the
 * engine and asks for it again at once; loading anew would take seconds.
 */
const LINGER = 2000;

/** One user's share of an engine. */
export interface Lease {
  readonly engine: Promise<Engine | Detector>;
  /** Gives it back; may be called again. */
  end(): void;
}

/** What every load is told besides its options. */
interface Told {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

interface Shared {
  readonly key: string | undefined;
  readonly engine: Promise<Engine | Detector>;
  readonly stop: AbortController;
  readonly listeners: Set<(progress: Progress) => void>;
  last: Progress | undefined;
  leases: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Engines {
  readonly #shared = new Set<Shared>();

  constructor(private readonly load: (options: NetworkOptions & Told) => Promise<Engine | Detector>) {}

  /** @param key the same for requests that can share an engine; undefined where nobody else can have these weights */
  lease(key: string | undefined, options: NetworkOptions, onProgress: (progress: Progress) => void): Lease {
    const known = key === undefined ? undefined : [...this.#shared].find((one) => one.key === key);
    const shared = known ?? this.#begin(key, options);
    clearTimeout(shared.timer);
    shared.leases++;
    shared.listeners.add(onProgress);
    if (known?.last) onProgress(known.last);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      shared.listeners.delete(onProgress);
      shared.leases--;
      if (shared.leases === 0) shared.timer = setTimeout(() => this.#end(shared), key === undefined ? 0 : LINGER);
    };
    shared.engine.catch(end);
    return { engine: shared.engine, end };
  }

  /** Whoever asks next gets a new engine: the GPU of this one is gone for good. */
  forget(engine: unknown): void {
    for (const shared of this.#shared) whenThere(shared.engine, (one) => one === engine && this.#shared.delete(shared));
  }

  #begin(key: string | undefined, options: NetworkOptions): Shared {
    const stop = new AbortController();
    const listeners: Shared['listeners'] = new Set();
    const onProgress = (progress: Progress) => {
      shared.last = progress;
      for (const listener of listeners) listener(progress);
    };
    const engine = Promise.resolve().then(() => this.load({ ...options, signal: stop.signal, onProgress }));
    const shared: Shared = { key, engine, stop, listeners, last: undefined, leases: 0, timer: undefined };
    this.#shared.add(shared);
    engine.catch(() => this.#shared.delete(shared));
    return shared;
  }

  #end(shared: Shared): void {
    this.#shared.delete(shared);
    shared.stop.abort(new FaceXFormerError('DISPOSED', 'Nobody waits for this engine any more.'));
    whenThere(shared.engine, (engine) => engine.dispose());
  }
}
