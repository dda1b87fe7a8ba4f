/** The worker's side of a channel: engines for a page, its calls answered as the engine answers them. */
import type { Checkpoint, ReadOptions, TensorInfo } from '../checkpoint/checkpoint.ts';
import { mtcnn } from '../detect/mtcnn.ts';
import type { Analysis, AnalyzeOptions, LoadOptions } from '../engine/options.ts';
import { disposed, FaceXFormerError } from '../gpu/errors.ts';
import { tag } from '../gpu/given.ts';
import { unless } from '../gpu/waiting.ts';
import { planJson } from '../graph/print.ts';
import type { PictureSource } from '../image/source.ts';
import { VERSION } from '../version.ts';
import { closed } from './carry.ts';
import type { Detector, Engine, Engines, Lease, NetworkOptions } from './engines.ts';
import { borrowedFetch } from './fetch.ts';
import { borrowed, type Carried, lend } from './lend.ts';
import type { Greeting, Load, Loaded, LoadedEngine, PostedCheckpoint, PostedOptions, Reply, Request, Run, Told } from './protocol.ts';

/** Whether a message to the worker opens a channel. */
export const isGreeting = (data: unknown): data is Greeting => typeof Object(data).facexformer === 'string';

/** Greets the page back that greeted, and serves it. */
export function serve({ facexformer, port }: Greeting, engines: Engines): void {
  const channel = new Channel(port, engines);
  port.onmessage = ({ data }: MessageEvent<Request>) => channel.take(data);
  const message = `The page is of version ${facexformer} of facexformer-webgpu, its worker of ${VERSION}. Serve both from one.`;
  const refused = new FaceXFormerError('WORKER_FAILED', message).toJSON();
  channel.reply(facexformer === VERSION ? { id: 0, value: VERSION } : { refused });
}

class Channel {
  readonly #leases = new Map<number, Lease>();
  /** Calls under way that a signal of the page's can end. */
  readonly #calls = new Map<number, AbortController>();

  constructor(
    private readonly port: MessagePort,
    private readonly engines: Engines,
  ) {}

  take(request: Request): void {
    if (request.call === 'abort') this.#calls.get(request.id)?.abort();
    else if (request.call === 'dispose') this.#end(request.engine);
    else void this.#answer(request);
  }

  reply(reply: Reply, transfer: Transferable[] = []): void {
    this.port.postMessage(reply, transfer);
  }

  async #answer(request: Exclude<Request, Told>): Promise<void> {
    const { id } = request;
    const stop = new AbortController();
    this.#calls.set(id, stop);
    try {
      const value = request.call === 'load' ? await this.#load(request, stop.signal) : await this.#run(request, stop.signal);
      this.reply({ id, value }, givenAwayIn(value));
    } catch (error) {
      this.reply({ id, error: FaceXFormerError.from(error).toJSON() });
    } finally {
      this.#calls.delete(id);
    }
  }

  /** An aborted load lets go of the engine, which others may wait for. */
  async #load({ id, key, options }: Load & { readonly id: number }, signal: AbortSignal): Promise<Loaded | LoadedEngine> {
    const lease = this.engines.lease(key, loadOptions(options), (progress) => this.reply({ id, progress }));
    this.#leases.set(id, lease);
    try {
      const engine = await unless(signal, lease.engine);
      void this.#tellLosses(id, engine);
      return { engine: id, ...('info' in engine && { tasks: engine.tasks, info: engine.info }) };
    } catch (error) {
      this.#end(id);
      throw error;
    }
  }

  async #run(request: Run, signal: AbortSignal): Promise<unknown> {
    const engine = await this.#leases.get(request.engine)?.engine;
    if (!engine) throw disposed();
    return resultOf(engine, request, signal);
  }

  /** Tells the page what becomes of its engine's GPU, as long as it has the engine. */
  async #tellLosses(id: number, engine: Engine | Detector): Promise<void> {
    for (let whole = true; whole && this.#leases.has(id); ) {
      const { error, recovered } = await engine.lost;
      this.reply({ engine: id, lost: error.toJSON() });
      whole = await recovered;
      if (!whole) this.engines.forget(engine);
      this.reply({ engine: id, recovered: whole });
    }
  }

  #end(engine: number): void {
    this.#leases.get(engine)?.end();
    this.#leases.delete(engine);
  }
}

async function resultOf(served: Engine | Detector, request: Run, signal: AbortSignal): Promise<unknown> {
  const engine = served as Engine; // the page asks an engine what engines can
  switch (request.call) {
    case 'detect':
      try {
        return await (served as Detector).detect(request.picture as PictureSource, { ...request.options, signal });
      } finally {
        closed(request.picture);
      }
    case 'analyze':
      try {
        const answer = engine.analyze(request.picture as PictureSource, { ...request.options, signal });
        if (tag(request.picture) === 'VideoFrame') closed(request.picture); // the engine has taken it, and a camera waits for it
        return await answer;
      } finally {
        closed(request.picture);
      }
    case 'analyzeMany':
      return lend((signal) => answersOf(engine, request.pictures, { ...request.options, signal }), 'BAD_OPTION');
    case 'tune':
      return engine.tune({ ...request.options, signal });
    case 'profile':
      return engine.profile(request.tasks, request.faces);
    case 'plan':
      return planJson(engine.plan(request.tasks, request.faces));
  }
}

/** One answer a picture that the page lends; a picture is closed when it is answered. */
async function* answersOf(engine: Engine, lender: MessagePort, options: AnalyzeOptions): AsyncGenerator<Carried<Analysis>> {
  const open: PictureSource[] = [];
  async function* pictures() {
    for await (const picture of borrowed<PictureSource>(lender, options.signal)) {
      open.push(picture);
      yield picture;
    }
  }
  try {
    for await (const answer of engine.analyzeMany(pictures(), options)) {
      closed(open.shift());
      yield { value: answer, transfer: givenAwayIn(answer) };
    }
  } finally {
    open.forEach(closed);
  }
}

function loadOptions(asked: PostedOptions): NetworkOptions {
  if (asked.network === 'Mtcnn') return asked;
  const { weights, detector, fetch, ...options } = asked;
  const posted = typeof weights === 'object' && weights !== null && 'posted' in weights;
  return {
    ...options,
    ...(detector && { detector: mtcnn(detector.mtcnn) }),
    ...(fetch && { fetch: borrowedFetch(fetch) }),
    weights: posted ? checkpointOf(weights as PostedCheckpoint) : (weights as LoadOptions['weights']),
  };
}

/** The page's checkpoint, read tensor by tensor: the page sends the next when it is asked for it. */
function checkpointOf({ source, posted: tensors, rereadable, port }: PostedCheckpoint): Checkpoint {
  async function* read({ signal, onProgress }: ReadOptions = {}) {
    const total = [...tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    let loaded = 0;
    onProgress?.(loaded, total);
    for await (const tensor of borrowed<{ info: TensorInfo; data: Uint8Array }>(port, signal)) {
      loaded += tensor.data.length;
      onProgress?.(loaded, total);
      yield tensor;
    }
  }
  return { source, tensors, rereadable, read };
}

/** What of an answer is given away instead of copied: a port, or the memory of every array, of which the engine keeps none. */
function givenAwayIn(value: unknown, found: Set<Transferable> = new Set()): Transferable[] {
  if (value instanceof MessagePort) found.add(value);
  else if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) givenAwayIn(member, found);
  return [...found];
}
