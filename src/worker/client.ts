/** The page's side: the calls of `FaceXFormer` and `Mtcnn`, answered by both in a worker, so that the page never waits. */

import type { DetectOptions, MtcnnFace, MtcnnOptions } from '../detect/mtcnn.ts';
import { queueOf } from '../engine/line.ts';
import type { Analysis, AnalyzeOptions, EngineInfo, LoadOptions, Progress, TuneOptions, TuneReport } from '../engine/options.ts';
import type { Task } from '../face/labels.ts';
import { aborted, FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { checkSignal, mustBe, given as read, shown } from '../gpu/given.ts';
import type { GpuLoss } from '../gpu/recovery.ts';
import { unless } from '../gpu/waiting.ts';
import type { KernelTime } from '../graph/profile.ts';
import type { PictureSource } from '../image/source.ts';
import { VERSION } from '../version.ts';
import { carried, carriedWeights } from './carry.ts';
import { lentFetch } from './fetch.ts';
import type { Greeting, LoadedEngine, Reply, Request } from './protocol.ts';

export type { DetectOptions, MtcnnFace } from '../detect/mtcnn.ts';
export type { Analysis, AnalyzeOptions, EngineInfo, LoadOptions, Progress, TuneOptions, TuneReport } from '../engine/options.ts';
export type { Task } from '../face/labels.ts';
export type { Face } from '../face/results.ts';
export { type ErrorCode, FaceXFormerError } from '../gpu/errors.ts';
export type { GpuLoss } from '../gpu/recovery.ts';
export type { KernelTime } from '../graph/profile.ts';
export type { PictureSource } from '../image/source.ts';

/** A detector that a worker makes for itself: what `mtcnn` of this entry gives. */
export interface RemoteDetector {
  readonly mtcnn: Omit<MtcnnOptions, 'device' | 'signal'>;
}

/** For the `detector` of `RemoteFaceXFormer.load`: MTCNN beside the engine in the worker. What crosses to there is these options, and no code. */
export const mtcnn = (options: RemoteDetector['mtcnn'] = {}): RemoteDetector => ({ mtcnn: options });

/** What `RemoteFaceXFormer.load` is told: what `FaceXFormer.load` is, but for a device, which cannot cross to a worker. */
export interface RemoteLoadOptions extends Omit<LoadOptions, 'device' | 'detector'> {
  /** What finds faces where `analyze` is given no box: `mtcnn()` of this entry. */
  detector?: RemoteDetector | undefined;
  /**
   * A worker whose script is `facexformer-webgpu/worker`, or imports it; it is not ended by `dispose()`. Unless given, all engines of the page
   * share one of the package's own, which starts with the first.
   */
  worker?: Worker;
}

/** What `RemoteMtcnn.load` takes. */
export interface RemoteMtcnnOptions extends Omit<MtcnnOptions, 'device'> {
  /** A worker, as `RemoteFaceXFormer.load` takes one. */
  worker?: Worker;
}

/** What `RemoteFaceXFormer.analyze` takes: all that `FaceXFormer.analyze` does. */
export interface RemoteAnalyzeOptions extends AnalyzeOptions {
  /** What of the picture is given away to the worker instead of copied: an ImageBitmap of no further use here. */
  transfer?: Transferable[];
}

/** Only what a request adds to its id. */
type Asked = Request extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

type Loss = Extract<Reply, { engine: number }>;

interface Call {
  resolve(value: unknown): void;
  reject(error: FaceXFormerError): void;
  progress(progress: Progress): void;
}

/** The channel to one worker. */
class Connection {
  readonly #port: MessagePort;
  readonly #calls = new Map<number, Call>();
  /** Who is told of losses, by the id of the call that loaded the engine. */
  readonly #losses = new Map<number, (told: Loss) => void>();
  /** Why there is no worker any more. */
  #failed: FaceXFormerError | undefined;
  #ids = 0;

  constructor(
    worker: Worker,
    private readonly onFailure: () => void,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    worker.addEventListener('error', (event) => {
      const why = event.message || 'its script could not be loaded';
      this.#fail(
        new FaceXFormerError('WORKER_FAILED', `The worker failed: ${why}. Check its address, and worker-src of the page's policy.`),
      );
    });
    const greeting: Greeting = { facexformer: VERSION, port: port2 };
    worker.postMessage(greeting, [port2]);
  }

  /** The worker's answer; the signal ends the waiting at once. */
  async ask(
    asked: Asked,
    transfer: Transferable[],
    { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: ((progress: Progress) => void) | undefined },
  ): Promise<{ id: number; value: unknown }> {
    throwIfAborted(signal);
    if (this.#failed) throw this.#failed;
    const id = ++this.#ids;
    let stop = () => {};
    try {
      const value = await new Promise<unknown>((resolve, reject) => {
        const end = (error: unknown) => {
          this.tell({ call: 'abort', id });
          if (asked.call === 'load' || asked.call === 'loadDetector') this.tell({ call: 'dispose', engine: id }); // it may be loaded by now
          reject(error);
        };
        stop = () => end(aborted(signal?.reason));
        signal?.addEventListener('abort', stop, { once: true });
        const progress = (now: Progress) => {
          try {
            onProgress?.(now);
          } catch (error) {
            end(error); // the app's own, as it is
          }
        };
        this.#calls.set(id, { resolve, reject, progress });
        this.#post({ ...asked, id } as Request, transfer);
      });
      return { id, value };
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#calls.delete(id);
    }
  }

  tell(request: Request): void {
    this.#port.postMessage(request);
    if (request.call === 'dispose') this.#losses.delete(request.engine);
  }

  /** Calls when the engine's GPU is lost, and when it is known whether there is another. */
  hear(engine: number, told: (told: Loss) => void): void {
    this.#losses.set(engine, told);
  }

  /** @throws FaceXFormerError BAD_PICTURE, BAD_OPTION: something cannot cross to a worker */
  #post(request: Request, transfer: Transferable[]): void {
    try {
      this.#port.postMessage(request, transfer);
    } catch (error) {
      const [code, what] =
        request.call === 'analyze' || request.call === 'detect'
          ? (['BAD_PICTURE', 'The picture or an option'] as const)
          : (['BAD_OPTION', 'An option'] as const);
      throw new FaceXFormerError(code, `${what} cannot be given to a worker: ${(error as Error).message}`, { cause: error });
    }
  }

  #take(reply: Reply): void {
    const call = 'id' in reply ? this.#calls.get(reply.id) : undefined;
    if ('engine' in reply) this.#losses.get(reply.engine)?.(reply);
    else if ('refused' in reply) this.#fail(FaceXFormerError.from(reply.refused));
    else if ('progress' in reply) call?.progress(reply.progress);
    else if ('error' in reply) call?.reject(FaceXFormerError.from(reply.error));
    else call?.resolve(reply.value);
  }

  #fail(error: FaceXFormerError): void {
    this.#failed = error;
    this.onFailure();
    for (const { reject } of this.#calls.values()) reject(error);
  }
}

const connections = new WeakMap<Worker, Connection>();
/** The package's own worker, which all engines of the page share that are given none. */
let own: Worker | undefined;

function ownWorker(): Worker {
  if (typeof Worker === 'undefined')
    throw new FaceXFormerError(
      'WORKER_FAILED',
      'There are no workers here: this runs in a browser. Call it in an effect or an event of the page.',
    );
  // Bundlers find the worker by this very expression.
  own ??= new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return own;
}

function connectionTo(worker: Worker): Connection {
  const known = connections.get(worker);
  if (known) return known;
  const made = new Connection(worker, () => {
    connections.delete(worker);
    if (own === worker) own = undefined; // the next load starts another
  });
  connections.set(worker, made);
  return made;
}

/** What is in the worker, and this page's hand on it. */
class Remote {
  /** Pictures are caught as they are given, and posted in that order. */
  #posting: Promise<unknown> = Promise.resolve();
  /** Aborted by `dispose`. */
  readonly #gone = new AbortController();

  #lost!: Promise<GpuLoss>;

  protected constructor(
    private readonly connection: Connection,
    private readonly engine: number,
  ) {
    let lose!: (loss: GpuLoss) => void;
    let recover!: (whole: boolean) => void;
    const listen = () => {
      this.#lost = new Promise((resolve) => {
        lose = resolve;
      });
    };
    listen();
    connection.hear(engine, (told) => {
      if ('lost' in told) {
        const recovered = new Promise<boolean>((resolve) => {
          recover = resolve;
        });
        return lose({ error: FaceXFormerError.from(told.lost), recovered });
      }
      if (told.recovered) listen();
      recover(told.recovered);
    });
  }

  /** Settles when the worker loses its GPU: see `FaceXFormer.lost`. */
  get lost(): Promise<GpuLoss> {
    return this.#lost;
  }

  /** Lets go of it; calls that wait or come later fail with DISPOSED. May be called again. */
  dispose(): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.connection.tell({ call: 'dispose', engine: this.engine });
  }

  protected async ask(asked: Unaddressed, transfer: Transferable[] = [], signal?: AbortSignal): Promise<unknown> {
    const gone = this.#gone.signal;
    const disposed = () => new FaceXFormerError('DISPOSED', 'The engine was disposed. Load a new one.');
    if (gone.aborted) throw disposed();
    const either = signal ? AbortSignal.any([signal, gone]) : gone;
    try {
      return (await this.connection.ask({ ...asked, engine: this.engine } as Asked, transfer, { signal: either })).value;
    } catch (error) {
      throw gone.aborted ? disposed() : error;
    }
  }

  /** A call that is given a picture. */
  protected async show(
    call: 'analyze' | 'detect',
    source: PictureSource,
    given: { signal?: AbortSignal | undefined; transfer?: Transferable[] } = {},
  ): Promise<unknown> {
    const { signal, transfer = [], ...options } = ownOf(given);
    checkSignal(signal);
    if (!Array.isArray(transfer)) throw new FaceXFormerError('BAD_OPTION', '`transfer` must be a list.');
    const caught = carried(source);
    const before = this.#posting;
    const inTurn = Promise.all([caught, before]);
    this.#posting = inTurn.catch(() => {});
    const [picture] = await unless(signal, inTurn);
    return this.ask({ call, picture: picture.value, options }, [...picture.transfer, ...transfer], signal);
  }
}

/** What a request says but for whom it is. */
type Unaddressed = Asked extends infer R ? (R extends { engine: number } ? Omit<R, 'engine'> : never) : never;

/** Options that do not cross as they are. */
type Special = { [Name in 'worker' | 'signal' | 'onProgress' | 'weights' | 'fetch' | 'detector']?: RemoteLoadOptions[Name] | undefined };

/** An object's own options, as they are now. @throws FaceXFormerError BAD_OPTION */
const ownOf = <Options extends object>(options: Options): Options =>
  read('Options are an object that can be read.', () => {
    if (Object(options) !== options) throw new TypeError(`not ${shown(options)}`);
    return Object.assign(Object.create(null), options);
  });

/** The options that cross, and what is asked with them. */
async function loaded(call: 'load' | 'loadDetector', special: Special): Promise<{ connection: Connection; id: number; value: unknown }> {
  const { worker, signal, onProgress, weights, fetch, detector, ...options } = ownOf(special);
  checkSignal(signal);
  if (onProgress !== undefined) mustBe('function', onProgress, 'onProgress');
  if (fetch !== undefined) mustBe('function', fetch, 'fetch');
  if ((options as { device?: unknown }).device)
    throw new FaceXFormerError('BAD_OPTION', 'A `device` cannot be given to a worker; load the engine on the page to share it.');
  if (detector && !detector.mtcnn)
    throw new FaceXFormerError(
      'BAD_OPTION',
      'A `detector` that is code cannot be given to a worker. Give mtcnn() of facexformer-webgpu/client, or find faces on the page and give `boxes`.',
    );
  throwIfAborted(signal);
  const connection = read('`worker` is no Worker.', () => connectionTo(worker === undefined ? ownWorker() : worker));
  const given = await carriedOrNone(weights);
  const search = detector && (await carriedOrNone(detector.mtcnn.weights));
  const names = [given.name, search ? search.name : ''];
  const port = fetch && lentFetch(fetch);
  const posted = {
    ...options,
    ...(weights && { weights: given.value }),
    ...(search && { detector: { mtcnn: { ...detector.mtcnn, ...(search.value !== undefined && { weights: search.value }) } } }),
  };
  const said = { ...options, ...(detector && { detector: { ...detector.mtcnn, weights: '' } }), fetch: !!fetch };
  const sorted = Object.entries(said).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = read('An option cannot be given to a worker.', () =>
    names.includes(undefined) ? undefined : JSON.stringify([names, sorted]),
  );
  const asked = { call, options: { ...posted, ...(port && { fetch: port }) }, key } as Asked;
  const transfer = [...given.transfer, ...(search?.transfer ?? []), ...(port ? [port] : [])];
  return { connection, ...(await connection.ask(asked, transfer, { signal, onProgress })) };
}

const carriedOrNone = async (weights: LoadOptions['weights'] | undefined) =>
  weights ? carriedWeights(weights) : { value: undefined, transfer: [], name: '' };

/**
 * An engine in a worker. Engines of the same weights and options are one: components of a page that each load and dispose of theirs share
 * it, also when a framework mounts them twice. It goes when the last of them has been disposed of for two seconds.
 */
export class RemoteFaceXFormer extends Remote {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Task[];
  /** What it runs on, and with which weights. */
  readonly info: EngineInfo;

  private constructor(connection: Connection, engine: number, { tasks, info }: LoadedEngine) {
    super(connection, engine);
    this.tasks = tasks;
    this.info = info;
  }

  /**
   * Loads an engine in the worker, or shares the one that it has. Addresses are meant from the page. A Request, a Response or a stream is read
   * whole before it crosses; a checkpoint stays here and is read through, as a `fetch` is called through.
   * @throws FaceXFormerError as `FaceXFormer.load`; WORKER_FAILED
   */
  static async load(options: RemoteLoadOptions): Promise<RemoteFaceXFormer> {
    const asked = ownOf(options);
    if (!asked.weights) throw new FaceXFormerError('BAD_OPTION', 'load() needs `weights`: the address of a file, or a checkpoint.');
    const { connection, id, value } = await loaded('load', asked);
    return new RemoteFaceXFormer(connection, id, value as LoadedEngine);
  }

  /**
   * Does what `FaceXFormer.analyze` does. A video or canvas is caught when it is called; an ImageBitmap is copied unless it is among `transfer`.
   * @throws FaceXFormerError as `FaceXFormer.analyze`; WORKER_FAILED
   */
  analyze(source: PictureSource, options?: RemoteAnalyzeOptions): Promise<Analysis> {
    const queue = options?.queue ?? queueOf(source); // a video crosses as a picture where the browser knows no VideoFrame
    return this.show('analyze', source, { ...options, queue } as RemoteAnalyzeOptions) as Promise<Analysis>;
  }

  /** What a frame of these tasks runs, as `planJson` writes it. */
  plan(tasks?: readonly Task[]): Promise<object> {
    return this.ask({ call: 'plan', tasks }) as Promise<object>;
  }

  /** Does what `FaceXFormer.profile` does. */
  profile(tasks?: readonly Task[]): Promise<KernelTime[]> {
    return this.ask({ call: 'profile', tasks }) as Promise<KernelTime[]>;
  }

  /** Does what `FaceXFormer.tune` does. */
  async tune(asked: TuneOptions = {}): Promise<TuneReport> {
    const { signal, ...options } = ownOf(asked);
    checkSignal(signal);
    return this.ask({ call: 'tune', options }, [], signal) as Promise<TuneReport>;
  }
}

/** MTCNN alone in the worker, shared as engines are: for faces that are found and not analysed. */
export class RemoteMtcnn extends Remote {
  /** Does what `Mtcnn.load` does. @throws FaceXFormerError as that; WORKER_FAILED */
  static async load(options: RemoteMtcnnOptions = {}): Promise<RemoteMtcnn> {
    const { connection, id } = await loaded('loadDetector', options);
    return new RemoteMtcnn(connection, id);
  }

  /** Does what `Mtcnn.detect` does. @throws FaceXFormerError as that; WORKER_FAILED */
  detect(source: PictureSource, options?: DetectOptions & Pick<RemoteAnalyzeOptions, 'transfer'>): Promise<MtcnnFace[]> {
    return this.show('detect', source, options) as Promise<MtcnnFace[]>;
  }
}
