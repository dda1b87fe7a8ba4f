/** The page's side: the calls of `FaceXFormer`, `SegFace` and `Mtcnn`, answered by them in a worker, so that the page never waits. */

import type { DetectOptions, MtcnnFace, MtcnnOptions } from '../detect/mtcnn.ts';
import type { Analysis, AnalyzeOptions, EngineInfo, LoadOptions, Progress, TuneOptions, TuneReport } from '../engine/options.ts';
import type { Task } from '../face/labels.ts';
import { badOption, disposed, either, FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { checkSignal, mustBeFunction, mustBeIterable, given as read, said, shown } from '../gpu/given.ts';
import type { GpuLoss } from '../gpu/recovery.ts';
import { unless, whenThere } from '../gpu/waiting.ts';
import type { KernelTime } from '../graph/profile.ts';
import { queueOf } from '../image/line.ts';
import type { PictureSource } from '../image/source.ts';
import type { SegFaceAnalysis, SegFaceAnalyzeOptions } from '../segface/segface.ts';
import { VERSION } from '../version.ts';
import { carried, carriedWeights, closed, plain } from './carry.ts';
import { lentFetch } from './fetch.ts';
import { borrowed, lend, uncrossable } from './lend.ts';
import type { EngineCall, Greeting, Load, Loaded, LoadedEngine, Network, Reply, Run, Told } from './protocol.ts';

export type { DetectOptions, MtcnnFace } from '../detect/mtcnn.ts';
export type { Analysis, AnalyzeOptions, EngineInfo, LoadOptions, Progress, TuneOptions, TuneReport } from '../engine/options.ts';
export type { Task } from '../face/labels.ts';
export type { Face } from '../face/results.ts';
export { type ErrorCode, FaceXFormerError } from '../gpu/errors.ts';
export type { GpuLoss } from '../gpu/recovery.ts';
export type { KernelTime } from '../graph/profile.ts';
export type { PictureSource } from '../image/source.ts';
export type { SegFaceAnalysis, SegFaceAnalyzeOptions, SegmentedFace } from '../segface/segface.ts';

/** A detector that a worker makes for itself: what `mtcnn` of this entry gives. */
export interface RemoteDetector {
  readonly mtcnn: Omit<MtcnnOptions, 'device' | 'signal'>;
}

/** For the `detector` of `RemoteFaceXFormer.load`: MTCNN beside the engine in the worker. What crosses to there is these options, and no code. */
export const mtcnn = (options: RemoteDetector['mtcnn'] = {}): RemoteDetector => ({ mtcnn: options });

/** What `RemoteFaceXFormer.load` is told: what `FaceXFormer.load` is, but for a device, which cannot cross to a worker. */
export interface RemoteLoadOptions<Asked extends Task = Task> extends Omit<LoadOptions<Asked>, 'device' | 'detector'> {
  /** What finds faces where `analyze` is given no box: `mtcnn()` of this entry. */
  detector?: RemoteDetector | undefined;
  /**
   * A worker whose script is `facexformer-webgpu/worker`, or imports it at its beginning; it is not ended by `dispose()`, and no browser tells when it was ended: dispose of its
   * engines before, or calls under way wait for ever. Unless given, all engines of the page share one of the package's own, which starts with the first.
   */
  worker?: Worker | undefined;
}

/** What `RemoteMtcnn.load` takes. */
export interface RemoteMtcnnOptions extends Omit<MtcnnOptions, 'device'> {
  /** A worker, as `RemoteFaceXFormer.load` takes one. */
  worker?: Worker | undefined;
}

/** What calls that are given one picture take besides. */
export interface TransferOptions {
  /** What of the picture is given away to the worker instead of copied: an ImageBitmap of no further use here. */
  transfer?: Transferable[] | undefined;
}

/** What `RemoteFaceXFormer.analyze` takes: all that `FaceXFormer.analyze` does. */
export interface RemoteAnalyzeOptions<Asked extends Task = Task> extends AnalyzeOptions<Asked>, TransferOptions {}

/** What `RemoteSegFace.load` takes: as `RemoteFaceXFormer.load`, without tasks, of which it has one. */
export type RemoteSegFaceLoadOptions = Omit<RemoteLoadOptions, 'tasks'>;

type Loss = Extract<Reply, { engine: number }>;

/** Milliseconds after which a worker that has not greeted back will not: it runs something else. */
const SILENCE = 60_000;

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
  readonly #failure = new AbortController();
  /** Aborted when there is no worker any more; its reason says why. */
  readonly failed = this.#failure.signal;
  #ids = 0;

  constructor(
    worker: Worker,
    private readonly onFailure: () => void,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const silent = setTimeout(() => this.#fail(workerFailed('it does not import facexformer-webgpu/worker')), SILENCE);
    port1.onmessage = ({ data }: MessageEvent<Reply>) => {
      clearTimeout(silent);
      this.#take(data);
    };
    worker.addEventListener('error', ({ message }) => {
      if (message && this.#losses.size && worker !== own) return; // of the app's own code beside engines that are loaded: the worker lives
      this.#fail(workerFailed(message || 'its script could not be loaded'));
    });
    const greeting: Greeting = { facexformer: VERSION, port: port2 };
    worker.postMessage(greeting, [port2]);
  }

  /**
   * The worker's answer; the signal ends the waiting at once, and so does what `onProgress` throws.
   * @throws FaceXFormerError BAD_PICTURE, BAD_OPTION: something cannot cross; what the worker says; ABORTED
   */
  async ask(
    asked: Load | Run,
    transfer: Transferable[],
    { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: ((progress: Progress) => void) | undefined },
  ): Promise<unknown> {
    throwIfAborted(signal);
    this.failed.throwIfAborted();
    const id = ++this.#ids;
    const answer = new Promise((resolve, reject) => {
      const progress = (now: Progress) => {
        try {
          onProgress?.(now);
        } catch (error) {
          reject(error); // the app's own, as it is
        }
      };
      this.#calls.set(id, { resolve, reject, progress });
      try {
        this.#port.postMessage(plain({ ...asked, id }), transfer);
      } catch (error) {
        throw uncrossable('picture' in asked ? 'BAD_PICTURE' : 'BAD_OPTION', error);
      }
    });
    try {
      return await unless(
        signal,
        unless(this.failed, answer, (error) => error as FaceXFormerError),
      );
    } catch (error) {
      this.tell({ call: 'abort', id });
      if (asked.call === 'load') this.tell({ call: 'dispose', engine: id }); // it may be loaded by now
      throw error;
    } finally {
      this.#calls.delete(id);
    }
  }

  tell(request: Told): void {
    this.#port.postMessage(request);
    if (request.call === 'dispose') this.#losses.delete(request.engine);
  }

  /** Calls when the engine's GPU is lost, and when it is known whether there is another. */
  hear(engine: number, told: (told: Loss) => void): void {
    this.#losses.set(engine, told);
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
    this.#failure.abort(error);
    this.onFailure();
  }
}

const workerFailed = (why: string): FaceXFormerError =>
  new FaceXFormerError(
    'WORKER_FAILED',
    `The worker failed. Check its address and origin, the bundler, worker-src, COEP, and that this is a browser: ${why}`,
  );

const connections = new WeakMap<Worker, Connection>();
/** The package's own worker, which all engines of the page share that are given none. */
let own: Worker | undefined;

function ownWorker(): Worker {
  try {
    // Bundlers find the worker by this very expression.
    own ??= new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    return own;
  } catch (error) {
    throw workerFailed(said(error)); // in Node, from another origin, or by a script that is no module
  }
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
  readonly #gone = new AbortController();
  /** Aborted by `dispose`, or when there is no worker any more; its reason is what calls fail with then. */
  readonly #over: AbortSignal;

  #lost!: Promise<GpuLoss>;

  /** For `using engine = await RemoteFaceXFormer.load(...)`, where the runtime knows it: as `dispose`. */
  declare readonly [Symbol.dispose]: () => void;

  readonly #connection: Connection;
  /** The id of the call that loaded it. */
  readonly #engine: number;

  protected constructor(connection: Connection, { engine }: Loaded) {
    this.#connection = connection;
    this.#engine = engine;
    if (Symbol.dispose) Object.assign(this, { [Symbol.dispose]: this.dispose });
    this.#over = AbortSignal.any([this.#gone.signal, connection.failed]);
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
    this.#gone.abort(disposed());
    this.#connection.tell({ call: 'dispose', engine: this.#engine });
  }

  /** What the worker answers. */
  protected async ask(asked: EngineCall, transfer: Transferable[] = [], signal?: AbortSignal): Promise<unknown> {
    this.#over.throwIfAborted();
    try {
      const request = { ...asked, engine: this.#engine };
      return await this.#connection.ask(request, transfer, { signal: either(signal, this.#over) });
    } catch (error) {
      this.#over.throwIfAborted();
      throw error;
    }
  }

  /** One answer a picture, as the worker asks for the next. What going through the pictures throws is thrown as it is. */
  protected async *showMany(pictures: Pictures, given: AnalyzeOptions): AsyncGenerator<unknown, void, undefined> {
    const { signal, ...options } = ownOf(given);
    checkSignal(signal);
    mustBeIterable(pictures);
    let thrown: { error: unknown } | undefined;
    async function* carriedEach() {
      try {
        for await (const picture of pictures) yield await carried(picture);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    }
    const each = carriedEach();
    const lent = lend(() => each, 'BAD_PICTURE');
    try {
      const answers = await this.ask({ call: 'analyzeMany', pictures: lent, options }, [lent], signal);
      yield* borrowed(answers as MessagePort, either(signal, this.#over));
    } catch (error) {
      if (!thrown) this.#over.throwIfAborted();
      throw thrown ? thrown.error : error;
    } finally {
      each.return().catch(() => {}); // nobody asks for more
    }
  }

  /** A call that is given a picture. */
  protected async show(
    call: 'analyze' | 'detect',
    source: PictureSource,
    given: { signal?: AbortSignal | undefined; queue?: AnalyzeOptions['queue'] | undefined; transfer?: Transferable[] | undefined } = {},
  ): Promise<unknown> {
    const { signal, transfer = [], ...options } = ownOf(given);
    if (call === 'analyze') options.queue ??= queueOf(source); // a video crosses as a picture where the browser knows no VideoFrame
    checkSignal(signal);
    if (!Array.isArray(transfer)) throw badOption('`transfer` must be a list.');
    const caught = carried(source);
    const before = this.#posting;
    const mine = unless(signal, caught);
    this.#posting = Promise.all([mine.catch(() => {}), before]); // a picture that never comes holds up nobody once its call is aborted
    try {
      const [picture] = await unless(signal, Promise.all([mine, before]));
      return await this.ask({ call, picture: picture.value, options } as EngineCall, [...(picture.transfer ?? []), ...transfer], signal);
    } finally {
      whenThere(caught, ({ transfer }) => transfer?.forEach(closed)); // what could not cross: a camera waits for its frames
    }
  }
}

type Pictures = Iterable<PictureSource> | AsyncIterable<PictureSource>;

/** Options that do not cross as they are. */
type Special = { [Name in 'worker' | 'signal' | 'onProgress' | 'weights' | 'fetch' | 'detector']?: RemoteLoadOptions[Name] | undefined };

/** An object's own options, as they are now. @throws FaceXFormerError BAD_OPTION */
const ownOf = <Options extends object>(options: Options): Options =>
  read('Options are an object that can be read.', () => {
    if (Object(options) !== options) throw new TypeError(`not ${shown(options)}`);
    return Object.assign(Object.create(null), options);
  });

/** Loads by the options that cross: what was loaded, and through which connection it is asked. */
async function loaded<Kind extends Loaded>(network: Network | 'Mtcnn', special: Special): Promise<[Connection, Kind]> {
  const { worker, signal, onProgress, weights, fetch, detector, ...options } = ownOf(special);
  if (!weights && network !== 'Mtcnn') throw badOption('load() needs `weights`: the address of a file, or a checkpoint.');
  checkSignal(signal);
  if (onProgress !== undefined) mustBeFunction(onProgress, 'onProgress');
  if (fetch !== undefined) mustBeFunction(fetch, 'fetch');
  if ((options as { device?: unknown }).device)
    throw badOption('A `device` cannot be given to a worker; load the engine on the page to share it.');
  const finds = detector && read('The `detector` cannot be read.', () => detector.mtcnn && { ...detector.mtcnn });
  if (detector && !finds)
    throw badOption(
      'A `detector` that is code cannot be given to a worker. Give mtcnn() of facexformer-webgpu/client, or find faces on the page and give `boxes`.',
    );
  throwIfAborted(signal);
  const connection = read('`worker` is no Worker.', () => connectionTo(worker === undefined ? ownWorker() : worker));
  const given = await unless(signal, carriedWeights(weights, fetch, signal));
  const search = finds && (await unless(signal, carriedWeights(finds.weights, fetch, signal)));
  const port = fetch && lentFetch(fetch);
  const posted = {
    ...options,
    network,
    weights: given.value,
    ...(search && { detector: { mtcnn: { ...finds, weights: search.value } } }),
    ...(port && { fetch: port }),
  };
  const key = read('An option cannot be given to a worker.', () =>
    [given, search ?? given].some(({ name }) => name === undefined) ? undefined : JSON.stringify(Object.entries(posted).sort()),
  ); // in which a port is {}
  const asked = { call: 'load', options: posted, key } as Load;
  const transfer = [...(given.transfer ?? []), ...(search?.transfer ?? []), ...(port ? [port] : [])];
  return [connection, (await connection.ask(asked, transfer, { signal, onProgress })) as Kind];
}

/** A network's engine in the worker. */
class RemoteEngine extends Remote {
  /** What it runs on, and with which weights. */
  readonly info: LoadedEngine['info'];

  protected constructor(connection: Connection, engine: LoadedEngine) {
    super(connection, engine);
    this.info = engine.info;
  }

  /** Does what the engine's `tune` does. */
  async tune(asked: TuneOptions = {}): Promise<TuneReport> {
    const { signal, ...options } = ownOf(asked);
    checkSignal(signal);
    return this.ask({ call: 'tune', options }, [], signal) as Promise<TuneReport>;
  }
}

/**
 * An engine in a worker. Engines of the same weights and options are one: components of a page that each load and dispose of theirs share
 * it, also when a framework mounts them twice. It goes when the last of them has been disposed of for two seconds.
 */
export class RemoteFaceXFormer<Loads extends Task = Task> extends RemoteEngine {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Loads[];
  declare readonly info: EngineInfo;

  private constructor(connection: Connection, engine: LoadedEngine) {
    super(connection, engine);
    this.tasks = engine.tasks as readonly Loads[];
  }

  /**
   * Loads an engine in the worker, or shares the one that it has. Addresses are meant from the page. A Request, a Response or a stream is read
   * whole before it crosses; a checkpoint stays here and is read through, as a `fetch` is called through.
   * @throws FaceXFormerError as `FaceXFormer.load`; WORKER_FAILED
   */
  static async load<Asked extends Task = Task>(options: RemoteLoadOptions<Asked>): Promise<RemoteFaceXFormer<Asked>> {
    return new RemoteFaceXFormer<Asked>(...(await loaded<LoadedEngine>('FaceXFormer', options)));
  }

  /**
   * Does what `FaceXFormer.analyze` does. A video or canvas is caught when it is called; an ImageBitmap is copied unless it is among `transfer`.
   * @throws FaceXFormerError as `FaceXFormer.analyze`; WORKER_FAILED
   */
  analyze<Asked extends Task = Loads>(source: PictureSource, options?: AnalyzeOptions<Asked>): Promise<Analysis<Asked>>;
  analyze<Asked extends Task = Loads>(source: PictureSource, options?: RemoteAnalyzeOptions<Asked>): Promise<Analysis<Asked>>;
  analyze(source: PictureSource, options?: RemoteAnalyzeOptions): Promise<unknown> {
    return this.show('analyze', source, options);
  }

  /**
   * Does what `FaceXFormer.analyzeMany` does: pictures cross one by one, as the worker asks for them.
   * @throws FaceXFormerError as `FaceXFormer.analyzeMany`; WORKER_FAILED
   */
  analyzeMany<Asked extends Task = Loads>(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: AnalyzeOptions<Asked> = {},
  ): AsyncGenerator<Analysis<Asked>, void, undefined> {
    return this.showMany(pictures, options) as AsyncGenerator<Analysis<Asked>, void, undefined>;
  }

  /** What a frame of these tasks runs, with one to eight faces in it, as `planJson` writes it. */
  plan(tasks?: readonly Task[], faces?: number): Promise<object> {
    return this.ask({ call: 'plan', tasks, faces }) as Promise<object>;
  }

  /** Does what `FaceXFormer.profile` does. */
  profile(tasks?: readonly Task[], faces?: number): Promise<KernelTime[]> {
    return this.ask({ call: 'profile', tasks, faces }) as Promise<KernelTime[]>;
  }
}

/** SegFace in a worker, shared as engines of FaceXFormer are. */
export class RemoteSegFace extends RemoteEngine {
  /** Does what `SegFace.load` does, as `RemoteFaceXFormer.load`. @throws FaceXFormerError as `SegFace.load`; WORKER_FAILED */
  static async load(options: RemoteSegFaceLoadOptions): Promise<RemoteSegFace> {
    return new RemoteSegFace(...(await loaded<LoadedEngine>('SegFace', options)));
  }

  /** Does what `SegFace.analyze` does. @throws FaceXFormerError as that; WORKER_FAILED */
  analyze(source: PictureSource, options?: SegFaceAnalyzeOptions & TransferOptions): Promise<SegFaceAnalysis> {
    return this.show('analyze', source, options) as Promise<SegFaceAnalysis>;
  }

  /** Does what `SegFace.analyzeMany` does. @throws FaceXFormerError as that; WORKER_FAILED */
  analyzeMany(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: SegFaceAnalyzeOptions = {},
  ): AsyncGenerator<SegFaceAnalysis, void, undefined> {
    return this.showMany(pictures, options) as AsyncGenerator<SegFaceAnalysis, void, undefined>;
  }

  /** What a frame runs, with one to eight faces in it, as `planJson` writes it. */
  plan(faces?: number): Promise<object> {
    return this.ask({ call: 'plan', tasks: undefined, faces }) as Promise<object>;
  }

  /** Does what `SegFace.profile` does. */
  profile(faces?: number): Promise<KernelTime[]> {
    return this.ask({ call: 'profile', tasks: undefined, faces }) as Promise<KernelTime[]>;
  }
}

/** MTCNN alone in the worker, shared as engines are: for faces that are found and not analysed. */
export class RemoteMtcnn extends Remote {
  /** Does what `Mtcnn.load` does. @throws FaceXFormerError as that; WORKER_FAILED */
  static async load(options: RemoteMtcnnOptions = {}): Promise<RemoteMtcnn> {
    return new RemoteMtcnn(...(await loaded('Mtcnn', options)));
  }

  /** Does what `Mtcnn.detect` does. @throws FaceXFormerError as that; WORKER_FAILED */
  detect(source: PictureSource, options?: DetectOptions & TransferOptions): Promise<MtcnnFace[]> {
    return this.show('detect', source, options) as Promise<MtcnnFace[]>;
  }
}
