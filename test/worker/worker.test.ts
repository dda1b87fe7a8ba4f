/** The worker's two sides, joined in one process, with an engine that answers at once. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts';
import { sound } from '../../src/checkpoint/sound.ts';
import { mtcnn as inPage, Mtcnn } from '../../src/detect/mtcnn.ts';
import { FaceXFormer } from '../../src/engine/facexformer.ts';
import type { AnalyzeOptions, LoadOptions } from '../../src/engine/options.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { SegFace } from '../../src/segface/segface.ts';
import { VERSION } from '../../src/version.ts';
import { mtcnn, RemoteFaceXFormer, type RemoteLoadOptions, RemoteMtcnn, RemoteSegFace } from '../../src/worker/client.ts';
import { type Detector, type Engine, Engines, type NetworkOptions } from '../../src/worker/engines.ts';
import { borrowedFetch, lentFetch } from '../../src/worker/fetch.ts';
import { isGreeting, serve } from '../../src/worker/serve.ts';

/** A Worker, as far as a page sees it. */
class FakeWorker extends EventTarget {
  readonly ports: MessagePort[] = [];

  constructor(readonly engines: Engines) {
    super();
  }

  postMessage(data: unknown): void {
    if (!isGreeting(data)) return;
    this.ports.push(data.port);
    serve(data, this.engines);
  }
}

const searches: unknown[] = [];
const detectorOf = ({ minFace }: Extract<NetworkOptions, { network: 'Mtcnn' }>): Detector => ({
  async detect(picture, { order, signal } = {}) {
    searches.push([(picture as { width: number }).width, minFace, order, signal?.aborted]);
    return [{ box: { x0: 0, y0: 0, x1: 1, y1: 1 }, score: 1, points: [] }];
  },
  dispose: () => searches.push('disposed'),
  lost: new Promise(() => {}),
});

let loads: LoadOptions[];
let disposed: number;
let engine: { [method in keyof Engine]?: unknown };
let workers: FakeWorker[];

async function loadEngine(options: LoadOptions): Promise<Engine> {
  loads.push(options);
  options.onProgress?.({ phase: 'device', loaded: 0, total: 1, fraction: 0 });
  await new Promise((done) => setTimeout(done, 1));
  return { tasks: ['age'], info: { weights: 'w' }, lost: new Promise(() => {}), dispose: () => disposed++, ...engine } as unknown as Engine;
}

function worker(load = loadEngine): Worker {
  const made = new FakeWorker(new Engines(async (asked) => (asked.network === 'Mtcnn' ? detectorOf(asked) : load(asked))));
  workers.push(made);
  return made as unknown as Worker;
}

beforeEach(() => {
  [loads, disposed, engine, workers] = [[], 0, {}, []];
  vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  for (const { ports } of workers) for (const port of ports) port.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error: unknown) => (error instanceof FaceXFormerError ? error.code : `untyped: ${error}`),
  );

const pixels = (value = 7) => ({ data: new Uint8Array(16).fill(value), width: 2, height: 2 });

describe('an error', () => {
  it('keeps its class and its code through JSON and through postMessage', () => {
    const error = new FaceXFormerError('BAD_BOX', 'outside');
    for (const crossed of [structuredClone(error.toJSON()), JSON.parse(JSON.stringify(error))]) {
      const again = FaceXFormerError.from(crossed);
      expect(again).toBeInstanceOf(FaceXFormerError);
      expect(again).toMatchObject({ name: 'FaceXFormerError', code: 'BAD_BOX', message: 'outside' });
    }
    expect(FaceXFormerError.from(error)).toBe(error);
  });

  it.each([
    [new TypeError('x is null'), 'TypeError: x is null'],
    ['oops', 'oops'],
    [null, 'null'],
    [{ code: 'BAD_BOX' }, '[object Object]'],
  ])('that is not ours, %o, is a defect', (value, message) => {
    expect(FaceXFormerError.from(value)).toMatchObject({ code: 'GPU_ERROR', message, cause: value });
  });

  it('of the engine is the same on the page', async () => {
    engine.analyze = () => Promise.reject(new FaceXFormerError('BAD_PICTURE', 'no picture'));
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    await expect(remote.analyze(pixels())).rejects.toMatchObject({ code: 'BAD_PICTURE', message: 'no picture' });
    expect(await codeOf(RemoteFaceXFormer.load({ weights: 'w', worker: worker(() => Promise.reject(new Error('x'))) }))).toBe('GPU_ERROR');
  });
});

describe('a load', () => {
  it('tells its progress, and what was loaded', async () => {
    const told: string[] = [];
    const remote = await RemoteFaceXFormer.load({
      weights: 'https://example.org/w',
      worker: worker(),
      onProgress: ({ phase }) => told.push(phase),
    });
    expect(told).toEqual(['device']);
    expect(remote).toMatchObject({ tasks: ['age'], info: { weights: 'w' } });
    expect(loads[0]).toMatchObject({ weights: 'https://example.org/w' });
  });

  it('shares the engine of the same weights and options, and no other', async () => {
    const one = worker();
    const load = (options: Partial<RemoteLoadOptions>) =>
      RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: one, ...options });
    await Promise.all([load({ tasks: ['age'], dtype: 'f32' }), load({ dtype: 'f32', tasks: ['age'] })]);
    expect(loads.length).toBe(1);
    await load({ tasks: ['gender'] });
    await load({ weights: new Blob(['a']) });
    await load({ weights: new Blob(['a']) });
    expect(loads.length).toBe(4);
    await Promise.all([mtcnn, inPage].map((either) => load({ detector: either({ minFace: 40 }) })));
    await load({ detector: mtcnn() });
    expect(loads.length).toBe(6);
    expect(loads.slice(3).map(({ detector }) => typeof detector)).toEqual(['undefined', 'function', 'function']);
    for (const _ of [1, 2]) await load({ detector: mtcnn({ weights: new Blob(['a']) }) });
    expect(loads.length).toBe(8);
  });

  it('that is disposed of and asked for again at once, as StrictMode does, is the same', async () => {
    const one = worker();
    const load = (signal?: AbortSignal) =>
      RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: one, ...(signal && { signal }) });
    (await load()).dispose();
    const again = await load();
    await vi.advanceTimersByTimeAsync(5000);
    expect([loads.length, disposed]).toEqual([1, 0]);
    again[Symbol.dispose]();
    again.dispose();
    await vi.advanceTimersByTimeAsync(5000);
    await vi.waitFor(() => expect(disposed).toBe(1));
    await load();
    expect(loads.length).toBe(2);
  });

  it('that is aborted ends at once, and goes on only while somebody else waits', async () => {
    const never = vi.fn((_: LoadOptions) => new Promise<Engine>(() => {}));
    const one = worker(never);
    const stops = [new AbortController(), new AbortController()];
    const calls = stops.map(({ signal }) => codeOf(RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: one, signal })));
    await vi.waitFor(() => expect(never).toHaveBeenCalledOnce());
    const signal = never.mock.calls[0]?.[0].signal as AbortSignal;
    stops[0]?.abort();
    expect(await calls[0]).toBe('ABORTED');
    await vi.advanceTimersByTimeAsync(5000);
    expect(signal.aborted).toBe(false);
    stops[1]?.abort();
    expect(await calls[1]).toBe('ABORTED');
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(1000);
      expect(signal.aborted).toBe(true);
    });
  });

  it('that is aborted as the worker has it is let go of', async () => {
    const stop = new AbortController();
    const load = async (options: LoadOptions) => {
      const made = await loadEngine(options);
      stop.abort();
      return made;
    };
    expect(await codeOf(RemoteFaceXFormer.load({ weights: new Blob(['a']), worker: worker(load), signal: stop.signal }))).toBe('ABORTED');
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(100);
      expect(disposed).toBe(1);
    });
  });

  it('lasts as long as one of its users, who may let go of it twice, and tells the next how far it is', async () => {
    const engines = new Engines((options) => loadEngine(options as LoadOptions));
    const told = vi.fn();
    const leases = [1, 2].map(() => engines.lease('key', { network: 'FaceXFormer', weights: 'w' }, () => {}));
    await leases[0]?.engine;
    leases.push(engines.lease('key', { network: 'FaceXFormer', weights: 'w' }, told));
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ phase: 'device' }));
    for (const i of [0, 0, 0, 1]) leases[i]?.end();
    await vi.advanceTimersByTimeAsync(5000);
    expect(disposed).toBe(0);
    leases[2]?.end();
    await vi.advanceTimersByTimeAsync(5000);
    expect(disposed).toBe(1);
  });

  it("hears of the page's fetch no length that may be of packed bytes, and lets go of its answer", async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    for (const [packed, length] of [
      [{}, '7'],
      [{ 'content-encoding': 'gzip' }, null],
    ] as const) {
      const port = lentFetch(async (_, init) => {
        signals.push(init?.signal);
        return new Response('weights', { headers: { 'content-length': '7', etag: 'a', ...packed } });
      });
      const fetch = borrowedFetch(port);
      const answer = await fetch('https://example.org/w');
      expect([answer.headers.get('content-length'), answer.headers.get('etag')]).toEqual([length, 'a']);
      expect(await answer.text()).toBe('weights');
      await (await fetch('https://example.org/w')).body?.cancel();
      await vi.waitFor(() => expect(signals.at(-1)?.aborted).toBe(true));
      port.close();
    }
  });

  it('of a stream that does not end is aborted as well, and lets go of it', async () => {
    const cancel = vi.fn();
    for (const source of [(body: ReadableStream) => body, (body: ReadableStream) => new Response(body)]) {
      const stop = new AbortController();
      const weights = source(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(3)), cancel }));
      const call = codeOf(RemoteFaceXFormer.load({ weights, worker: worker(), signal: stop.signal }));
      setTimeout(() => stop.abort(), 5);
      expect(await call).toBe('ABORTED');
    }
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledTimes(2));
  });

  it('of a Request is asked for by the fetch that is given, which hears an abort', async () => {
    const stop = new AbortController();
    const fetch = vi.fn(async (_: unknown, __: RequestInit = {}) => new Response('weights'));
    const weights = new Request('https://example.org/w');
    const options = { weights, signal: stop.signal, fetch: fetch as typeof globalThis.fetch, worker: worker() };
    for (const _ of [1, 2]) await RemoteFaceXFormer.load(options); // it can be given again
    expect(await Promise.all(loads.map(({ weights }) => (weights as Blob).text()))).toEqual(['weights', 'weights']);
    expect(fetch.mock.calls.map(([request]) => (request as Request).url)).toEqual([weights.url, weights.url]);
    stop.abort();
    expect(fetch.mock.calls.map(([_, init]) => init?.signal?.aborted)).toEqual([true, true]);
  });

  it('of a Response that was read, or whose stream is being read, is none', async () => {
    const read = new Response('weights');
    await read.text();
    const { body: locked } = new Response('weights');
    locked?.getReader();
    const used = new Request('https://example.org/w', { method: 'POST', body: 'which?' });
    await used.text();
    for (const weights of [read, locked as ReadableStream<Uint8Array>, used])
      expect(await codeOf(RemoteFaceXFormer.load({ weights, worker: worker() }))).toBe('WEIGHTS_UNREACHABLE');
  });

  it("does not take what is left of a read Response of the page's fetch for the file, nor another library's answer without a body", async () => {
    const read = new Response('weights');
    for await (const _ of read.body as ReadableStream); // which lets go of it
    const another = { ok: true, status: 200, headers: new Headers() } as Response;
    const one = worker(async (options) => {
      const { fetch } = options as { fetch: typeof globalThis.fetch };
      await (await fetch('https://example.org/w')).text();
      return loadEngine(options);
    });
    for (const answer of [read, another]) {
      const load = RemoteFaceXFormer.load({ weights: 'https://example.org/w', fetch: async () => answer, worker: one });
      await expect(load).rejects.toMatchObject({ message: expect.stringMatching(/gave no Response that can be read/) });
    }
  });

  it('whose callback throws fails with what it threw', async () => {
    const onProgress = () => {
      throw new RangeError('mine');
    };
    await expect(RemoteFaceXFormer.load({ weights: 'w', worker: worker(), onProgress })).rejects.toThrow(RangeError);
  });

  it("calls the page's fetch, whose answer comes piece by piece", async () => {
    const asked: unknown[] = [];
    let cancelled = 0;
    const fetch = async (url: unknown, init: RequestInit = {}) => {
      asked.push([url, init.method, init.headers]);
      if (String(url).endsWith('nowhere')) throw new TypeError('Failed to fetch');
      let next = 0;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => (next < 3 ? controller.enqueue(Uint8Array.of(next++)) : controller.close()),
        cancel: () => void cancelled++,
      });
      init.signal?.addEventListener('abort', () => void cancelled++);
      return new Response(init.method === 'HEAD' ? null : body, { status: 206, headers: { etag: '"x"', 'content-length': '3' } });
    };
    const seen: unknown[] = [];
    const one = worker(async (options) => {
      const { fetch } = options as { fetch: typeof globalThis.fetch };
      const response = await fetch('https://example.org/w', { headers: { range: 'bytes=0-2' } });
      seen.push(response.status, response.headers.get('etag'), [...new Uint8Array(await response.arrayBuffer())]);
      seen.push(await (await fetch('https://example.org/w', { method: 'HEAD' })).text());
      seen.push(await fetch('https://example.org/nowhere').catch((error) => `${error}`));
      const stop = new AbortController();
      const stopped = await fetch('https://example.org/w', { signal: stop.signal });
      stop.abort(new DOMException('enough', 'AbortError'));
      seen.push(await stopped.text().catch(({ name }) => name));
      return loadEngine(options);
    });
    await RemoteFaceXFormer.load({ weights: 'https://example.org/w', fetch: fetch as typeof globalThis.fetch, worker: one });
    expect(seen).toEqual([206, '"x"', [0, 1, 2], '', 'TypeError: Failed to fetch', 'AbortError']);
    expect(asked[0]).toEqual(['https://example.org/w', undefined, { range: 'bytes=0-2' }]);
    await vi.waitFor(() => expect(cancelled).toBe(2)); // the request, and its body, which a fetch of an app's own may not tie to it
  });

  it('of a checkpoint that cannot be read tells so', async () => {
    // biome-ignore lint/correctness/useYield: it fails before it could
    async function* read(): AsyncGenerator<never> {
      throw new TypeError('its file is gone');
    }
    const one = worker(async (options) => {
      for await (const _ of (options.weights as unknown as { read: typeof read }).read());
      return loadEngine(options);
    });
    const weights = { source: 's', tensors: new Map(), rereadable: true, read };
    await expect(RemoteFaceXFormer.load({ weights, worker: one })).rejects.toMatchObject({
      code: 'WEIGHTS_UNREACHABLE',
      message: expect.stringMatching(/its file is gone/),
    });
  });

  it('of a checkpoint that lists its tensors otherwise than in a Map is what the engine says of it', async () => {
    const one = worker(async (options) => {
      sound(options.weights as Checkpoint);
      return loadEngine(options);
    });
    const weights = { source: 's', tensors: { a: 1 } as never, rereadable: true, async *read() {} };
    expect(await codeOf(RemoteFaceXFormer.load({ weights, worker: one }))).toBe('BAD_OPTION');
  });

  it('of a checkpoint reads it on the page, tensor by tensor', async () => {
    const tensors = new Map(['a', 'b'].map((name) => [name, { name, dtype: 'F32' as const, shape: [1], bytes: 4 }]));
    let ended = 0;
    const held: Buffer[] = [];
    async function* read() {
      try {
        for (const info of tensors.values()) {
          const data = Buffer.from(new Uint8Array(4).fill(info.name.charCodeAt(0)).buffer); // whose slice is no copy
          held.push(data);
          yield { info, data };
        }
      } finally {
        ended++;
      }
    }
    const seen: unknown[] = [];
    const one = worker(async (options) => {
      for (const _ of [1, 2]) // twice: it can be read again
        for await (const { info, data } of (options.weights as unknown as { read: typeof read }).read()) seen.push([info.name, data[0]]);
      return loadEngine(options);
    });
    await RemoteFaceXFormer.load({ weights: { source: 's', tensors, rereadable: true, read }, worker: one });
    expect(held.map(({ length }) => length)).toEqual([4, 4, 4, 4]); // as long as they were
    expect(seen).toEqual([
      ['a', 97],
      ['b', 98],
      ['a', 97],
      ['b', 98],
    ]);
    expect(ended).toBe(2);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['no weights', {}],
    ['a device', { weights: 'w', device: {} }],
    ['a detector that is code', { weights: 'w', detector: () => {} }],
    ['a function', { weights: 'w', dtype: () => 'f32' }],
    ['an address that cannot be read', { weights: { [Symbol.toStringTag]: 'URL', toString: () => Symbol() } }],
  ])('of %s is a BAD_OPTION', async (_, options) => {
    expect(await codeOf(RemoteFaceXFormer.load((options && { ...options, worker: worker() }) as never))).toBe('BAD_OPTION');
  });
});

describe('a call', () => {
  it('gets a copy of raw pixels, in the order of the calls, with its options', async () => {
    const seen: unknown[] = [];
    engine.analyze = async ({ data }: { data: Uint8Array }, { tasks }: { tasks: unknown }) => {
      seen.push([data.byteLength, data.buffer.byteLength, data[0], tasks]);
      return { faces: [{ segmentation: { classes: new Uint8Array(4) } }] };
    };
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    const given = new Uint8Array(64).fill(7).subarray(0, 16);
    const answers = await Promise.all([
      remote.analyze({ data: given, width: 2, height: 2 }, { tasks: ['age'] }),
      remote.analyze(pixels(8)),
    ]);
    expect(seen).toEqual([
      [16, 16, 7, ['age']],
      [16, 16, 8, undefined],
    ]);
    expect(given.length).toBe(16);
    expect(answers[0]?.faces[0]?.segmentation?.classes).toEqual(new Uint8Array(4));
  });

  it("leaves Node's Buffer of pixels, as image libraries give it, as it was", async () => {
    engine.analyze = async ({ data }: { data: Uint8Array }) => data[0];
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    const data = Buffer.from(new ArrayBuffer(16)).fill(9);
    expect(await remote.analyze({ data, width: 2, height: 2 })).toBe(9);
    expect([...data]).toEqual(Array(16).fill(9));
    expect(await remote.analyze({ data: Buffer.from('pixels in its pool'), width: 2, height: 2 })).toBe(112);
  });

  it('takes lists and objects of which a reactive framework made proxies', async () => {
    const proxied = <Value>(value: Value): Value =>
      typeof value === 'object' && [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))
        ? (new Proxy(value as object, { get: (of, name) => proxied(Reflect.get(of, name)) }) as Value)
        : value;
    const seen: unknown[] = [];
    engine.analyze = async (_: unknown, { boxes, tasks }: { boxes: unknown; tasks: unknown }) => seen.push(boxes, tasks);
    const state = proxied({ tasks: ['age' as const], boxes: [{ x0: 0, y0: 0, x1: 2, y1: 2 }], picture: pixels() });
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker(), tasks: state.tasks });
    await remote.analyze(state.picture, { boxes: state.boxes, tasks: state.tasks });
    expect(seen).toEqual([[{ x0: 0, y0: 0, x1: 2, y1: 2 }], ['age']]);
    expect(loads[0]?.tasks).toEqual(['age']);
  });

  it('ends at once when it is aborted, and the worker hears it', async () => {
    let heard: AbortSignal | undefined;
    engine.analyze = (_: unknown, { signal }: { signal: AbortSignal }) => {
      heard = signal;
      return new Promise(() => {});
    };
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    const stop = new AbortController();
    const call = remote.analyze(pixels(), { signal: stop.signal });
    await vi.waitFor(() => expect(heard).toBeDefined());
    stop.abort('enough');
    await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
    await vi.waitFor(() => expect(heard?.aborted).toBe(true));
    expect(await codeOf(remote.analyze(pixels(), { signal: AbortSignal.abort() }))).toBe('ABORTED');
  });

  it('whose picture never comes holds up no other once it is aborted, and what was called before it is first', async () => {
    const seen: unknown[] = [];
    engine.analyze = async ({ size, data }: { size?: number; data?: Uint8Array }) => {
      seen.push(size ?? data?.[0]);
      return { faces: [] };
    };
    let come = (_: unknown) => {};
    const slow = [new Promise((resolve) => (come = resolve)), new Promise(() => {})];
    vi.stubGlobal('createImageBitmap', () => slow.shift());
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    const canvas = { [Symbol.toStringTag]: 'OffscreenCanvas' } as unknown as OffscreenCanvas;
    const stop = new AbortController();
    const calls = [remote.analyze(canvas), remote.analyze(canvas, { signal: stop.signal }), remote.analyze(pixels(3))].map(codeOf);
    stop.abort();
    expect(await calls[1]).toBe('ABORTED');
    come(new ArrayBuffer(2));
    expect([await calls[0], await calls[2]]).toEqual(['no error', 'no error']);
    expect(seen).toEqual([undefined, 3]);
  });

  it('of a video gives way to a later one, also where a picture of it crosses', async () => {
    const analyze = vi.fn(async () => ({ faces: [] }));
    engine.analyze = analyze;
    vi.stubGlobal('createImageBitmap', async () => new ArrayBuffer(4));
    const remote = await RemoteFaceXFormer.load({ weights: 'w', worker: worker() });
    await remote.analyze({ [Symbol.toStringTag]: 'HTMLVideoElement' } as unknown as HTMLVideoElement);
    await remote.analyze(pixels());
    expect(analyze.mock.calls.map(([, options]: unknown[]) => (options as AnalyzeOptions).queue)).toEqual(['latest', 'wait']);
  });

  it('lets go of the picture when it is answered, and of a frame when the engine has it', async () => {
    const answers: ((answer: object) => void)[] = [];
    const answer = () => new Promise((resolve) => answers.push(resolve));
    engine = { analyze: answer, ...{ detect: answer } };
    const port = { postMessage: vi.fn(), onmessage: (_: unknown) => {} };
    serve({ facexformer: VERSION, port: port as never }, new Engines((options) => loadEngine(options as LoadOptions)));
    port.onmessage({ data: { call: 'load', id: 1, options: { network: 'FaceXFormer', weights: 'w' } } });
    await vi.waitFor(() => expect(port.postMessage).toHaveBeenCalledWith(expect.objectContaining({ id: 1, value: expect.anything() }), []));
    for (const [kind, call] of [
      ['ImageBitmap', 'analyze'],
      ['VideoFrame', 'analyze'],
      ['ImageBitmap', 'detect'],
    ] as const) {
      const picture = { [Symbol.toStringTag]: kind, close: vi.fn() };
      port.onmessage({ data: { call, id: 2, engine: 1, picture, options: {} } });
      await vi.waitFor(() => expect(answers).toHaveLength(1));
      expect(picture.close).toHaveBeenCalledTimes(kind === 'VideoFrame' ? 1 : 0);
      answers.pop()?.({});
      await vi.waitFor(() => expect(picture.close).toHaveBeenCalled());
    }
  });

  it('leaves no frame open that does not cross: a camera waits for them', async () => {
    let open = 0;
    const Frame = class {
      readonly [Symbol.toStringTag] = 'VideoFrame';
      constructor() {
        open++;
      }
      close() {
        open--;
      }
    };
    vi.stubGlobal('VideoFrame', Frame);
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    const frame = new Frame() as unknown as VideoFrame;
    const stop = new AbortController();
    const calls = [codeOf(remote.analyze(frame)), codeOf(remote.analyze(frame, { signal: stop.signal }))];
    expect(open).toBe(3);
    stop.abort();
    remote.dispose();
    calls.push(codeOf(remote.analyze(frame)));
    expect(await Promise.all(calls)).toEqual(['DISPOSED', 'ABORTED', 'DISPOSED']);
    expect(open).toBe(1); // the app's own
  });

  it('fails with DISPOSED when the engine is, and after; another user of the engine is served', async () => {
    const ends: (() => void)[] = [];
    engine.analyze = () => new Promise((resolve) => ends.push(() => resolve({ faces: [] })));
    const one = worker();
    const [mine, other] = await Promise.all([1, 2].map(() => RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: one })));
    const calls = [codeOf(mine?.analyze(pixels()) as Promise<unknown>), codeOf(other?.analyze(pixels()) as Promise<unknown>)];
    await vi.waitFor(() => expect(ends.length).toBe(2));
    mine?.dispose();
    expect(await calls[0]).toBe('DISPOSED');
    for (const end of ends) end();
    expect(await calls[1]).toBe('no error');
    expect(await codeOf(mine?.analyze(pixels()) as Promise<unknown>)).toBe('DISPOSED');
  });

  it.each([
    [true, 1],
    [false, 2],
  ])('hears that the GPU was lost, and whether there is another: %s', async (whole, engines) => {
    let lose = (_: object) => {};
    const never = new Promise<never>(() => {});
    const losses = [new Promise((resolve) => (lose = resolve))];
    const one = worker(async (options) => {
      const made = await loadEngine(options);
      return Object.defineProperty({ ...made }, 'lost', { get: () => losses.shift() ?? never });
    });
    const load = () => RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: one });
    const remote = await load();
    const { lost } = remote;
    lose({ error: new FaceXFormerError('DEVICE_LOST', 'gone'), recovered: Promise.resolve(whole) });
    const { error, recovered } = await lost;
    expect(error).toMatchObject({ code: 'DEVICE_LOST', message: 'gone' });
    expect(await recovered).toBe(whole);
    expect(remote.lost === lost).toBe(!whole);
    await load();
    expect(loads.length).toBe(engines);
  });

  it.each([
    ['what cannot be cloned', { data: () => 1, width: 1, height: 1 }],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
  ])('of %s is a BAD_PICTURE', async (_, picture) => {
    engine.analyze = async ({ data }: { data?: unknown }) => {
      if (!data) throw new FaceXFormerError('BAD_PICTURE', 'no pixels');
    };
    const remote = await RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
    expect(await codeOf(remote.analyze(picture as never))).toBe('BAD_PICTURE');
  });
});

describe('many pictures', () => {
  /** Answers as the engine does: packs two pictures, of which each is asked for when it is needed. */
  async function* pairs(pictures: AsyncIterable<{ data: Uint8Array }>, { tasks, signal }: { tasks?: string[]; signal: AbortSignal }) {
    let waiting: number[] = [];
    try {
      for await (const { data } of pictures) {
        waiting.push(data[0] as number);
        if (waiting.length < 2) continue;
        for (const value of waiting) yield { faces: [{ value, tasks, aborted: signal.aborted, classes: new Uint8Array(2) }] };
        waiting = [];
      }
      for (const value of waiting) yield { faces: [{ value }] };
    } finally {
      ended++;
    }
  }
  let ended: number;
  let given: number[];
  function* counted(count: number) {
    try {
      for (let i = 0; i < count; i++) {
        given.push(i);
        yield pixels(i);
      }
    } finally {
      given.push(-1);
    }
  }
  const load = async (analyzeMany: unknown = pairs) => {
    [ended, given, engine.analyzeMany] = [0, [], analyzeMany];
    return RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: worker() });
  };
  const valuesOf = (answer: object) => (answer as { faces: { value: number }[] }).faces.map(({ value }) => value);

  it('are answered one by one in their order, and asked for as they are needed', async () => {
    const remote = await load();
    const seen: unknown[] = [];
    for await (const answer of remote.analyzeMany(counted(5), { tasks: ['age'] })) seen.push([...valuesOf(answer), given.length]);
    expect(seen).toEqual([
      [0, 2],
      [1, 2],
      [2, 4],
      [3, 4],
      [4, 6],
    ]);
    expect(ended).toBe(1);
  });

  it('that come later are waited for, and none are none', async () => {
    const remote = await load();
    async function* later() {
      for (const picture of counted(2)) yield await new Promise<typeof picture>((resolve) => setTimeout(() => resolve(picture), 5));
    }
    const seen: unknown[] = [];
    for await (const answer of remote.analyzeMany(later())) seen.push(answer);
    for await (const answer of remote.analyzeMany([])) seen.push(answer);
    expect(seen).toMatchObject([{ faces: [{ value: 0, aborted: false, classes: new Uint8Array(2) }] }, { faces: [{ value: 1 }] }]);
  });

  it('end on both sides when who asks has enough', async () => {
    const remote = await load();
    for await (const _ of remote.analyzeMany(counted(9))) break;
    await vi.waitFor(() => expect([given, ended]).toEqual([[0, 1, -1], 1]));
    const other = remote.analyzeMany(counted(9));
    await other.next();
    remote.dispose();
    await vi.waitFor(() => expect(ended).toBe(2));
    expect(await codeOf(other.next())).toBe('DISPOSED');
    await vi.waitFor(() => expect(given.at(-1)).toBe(-1));
  });

  it('end with ABORTED, also where no picture comes, and the next ones are answered', async () => {
    const remote = await load();
    const stop = new AbortController();
    async function* stuck() {
      yield pixels(1);
      await new Promise(() => {});
    }
    const call = codeOf(remote.analyzeMany(stuck(), { signal: stop.signal }).next());
    setTimeout(() => stop.abort('enough'), 5);
    expect(await call).toBe('ABORTED');
    await vi.waitFor(() => expect(ended).toBe(1));
    expect(valuesOf((await remote.analyzeMany([pixels(3)]).next()).value as object)).toEqual([3]);
    expect(await codeOf(remote.analyzeMany([], { signal: AbortSignal.abort() }).next())).toBe('ABORTED');
  });

  it('fail with what the app throws as it gives them, and with what the engine says of them', async () => {
    const remote = await load();
    function* broken() {
      yield pixels(1);
      throw new RangeError('mine');
    }
    await expect(remote.analyzeMany(broken()).next()).rejects.toThrow(RangeError);
    for (const [wrong, code] of [
      [[() => 1], 'BAD_PICTURE'],
      [7, 'BAD_OPTION'],
      [undefined, 'BAD_OPTION'],
    ])
      expect(await codeOf(remote.analyzeMany(wrong as never).next())).toBe(code);
    const strict = await load((_: unknown, { boxs }: { boxs: unknown }) => ({
      next: () => Promise.reject(new FaceXFormerError('BAD_BOX', `knows no ${boxs}`)),
      [Symbol.asyncIterator]() {
        return this;
      },
    }));
    expect(await codeOf(strict.analyzeMany(counted(3), { boxs: 1 } as never).next())).toBe('BAD_BOX');
  });

  it('that were handed over are closed when they are answered, and those that are not when it ends', async () => {
    const closed: number[] = [];
    const remote = await load(async function* (pictures: AsyncIterable<{ data: Uint8Array; close?: () => void }>) {
      for await (const picture of pictures) {
        const value = picture.data[0] as number;
        picture.close = () => closed.push(value);
        if (value !== 2) yield { faces: [{ value, closed: [...closed] }] };
      }
    });
    const seen: unknown[] = [];
    for await (const answer of remote.analyzeMany(counted(3))) seen.push(answer);
    expect(seen).toMatchObject([{ faces: [{ closed: [] }] }, { faces: [{ value: 1, closed: [0] }] }]);
    expect(closed).toEqual([0, 1, 2]);
  });
});

describe('what stands for a class on the page', () => {
  it.each([
    ['FaceXFormer', FaceXFormer, RemoteFaceXFormer],
    ['SegFace', SegFace, RemoteSegFace],
    ['Mtcnn', Mtcnn, RemoteMtcnn],
  ])('has what %s has', (_, local, remote) => {
    const members = (one: object): PropertyKey[] =>
      one === Object.prototype ? [] : [...Reflect.ownKeys(one), ...members(Object.getPrototypeOf(one))];
    const has = members(remote.prototype);
    const fields = ['tasks', 'info']; // are told when it is loaded
    expect(members(local.prototype).filter((name) => !has.includes(name) && !fields.includes(String(name)))).toEqual([]);
  });

  it('is of its network, and shared with nobody else', async () => {
    const one = worker();
    engine.plan = (tasks: unknown, faces: unknown) => ({ dispatches: [], slots: [], tasks, faces });
    engine.profile = async (tasks: unknown, faces: unknown) => [tasks, faces];
    const weights = 'https://example.org/w';
    const parser = await RemoteSegFace.load({ weights, worker: one });
    const face = await RemoteFaceXFormer.load({ weights, worker: one });
    expect(loads.map((options) => (options as { network?: string }).network)).toEqual(['SegFace', 'FaceXFormer']);
    expect(await parser.profile(3)).toEqual([undefined, 3]);
    expect(await face.profile(['age'], 2)).toEqual([['age'], 2]);
  });
});

describe('a detector', () => {
  it('answers in the worker as an engine does, and is shared', async () => {
    const one = worker();
    const [mine, other] = await Promise.all([1, 2].map(() => RemoteMtcnn.load({ minFace: 40, worker: one })));
    expect(await mine?.detect(pixels(), { order: 'score' })).toEqual([{ box: { x0: 0, y0: 0, x1: 1, y1: 1 }, score: 1, points: [] }]);
    mine?.dispose();
    other?.dispose();
    await vi.advanceTimersByTimeAsync(5000);
    await vi.waitFor(() => expect(searches).toEqual([[2, 40, 'score', false], 'disposed']));
    expect(await codeOf(mine?.detect(pixels()) as Promise<unknown>)).toBe('DISPOSED');
  });
});

describe('a worker', () => {
  it('that fails ends what waits with WORKER_FAILED, and what comes', async () => {
    const one = worker(() => new Promise(() => {}));
    const call = RemoteFaceXFormer.load({ weights: 'w', worker: one });
    await vi.waitFor(() => expect(workers.at(-1)?.ports.length).toBe(1));
    one.dispatchEvent(new Event('error'));
    await expect(call).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(/bundler.*worker-src.*could not be loaded/),
    });
  });

  it('of the app that has engines answers on after an error that is none of theirs', async () => {
    engine.analyze = async () => ({ faces: [] });
    const one = worker();
    const remote = await RemoteFaceXFormer.load({ weights: 'w', worker: one });
    one.dispatchEvent(Object.assign(new Event('error'), { message: 'Uncaught TypeError: x is null' }));
    expect(await remote.analyze(pixels())).toEqual({ faces: [] });
    one.dispatchEvent(new Event('error'));
    expect(await codeOf(remote.analyze(pixels()))).toBe('WORKER_FAILED');
  });

  it('that runs something else is not waited for, but one is that greets and then has much to do', async () => {
    const deaf = Object.assign(new EventTarget(), { postMessage() {} }) as unknown as Worker;
    const stop = new AbortController();
    const [refused, busy] = [deaf, worker(() => new Promise(() => {}))].map((worker) =>
      RemoteFaceXFormer.load({ weights: 'w', worker, signal: stop.signal }).catch((error) => error),
    );
    await new Promise((done) => setImmediate(done));
    await vi.advanceTimersByTimeAsync(120_000);
    stop.abort();
    expect(await refused).toMatchObject({ code: 'WORKER_FAILED', message: expect.stringMatching(/not import facexformer-webgpu\/worker/) });
    expect(await busy).toMatchObject({ code: 'ABORTED' });
  });

  it('of another version is refused', async () => {
    const one = worker();
    vi.spyOn(one, 'postMessage').mockImplementation((data) => {
      workers.at(-1)?.ports.push((data as { port: MessagePort }).port);
      serve({ ...(data as { port: MessagePort }), facexformer: '0.0.1' }, new Engines(() => new Promise(() => {})));
    });
    await expect(RemoteFaceXFormer.load({ weights: 'w', worker: one })).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(/version 0\.0\.1/),
    });
  });

  it.for([
    ['in Node', undefined, /Worker is not defined|not a constructor/],
    ['of another origin', "Script at 'https://cdn.example/worker.js' cannot be accessed", /origin.*cdn\.example/],
  ] as const)('that cannot start %s is a typed error, not one of `worker`', async ([, refusal, message]) => {
    const Refused = class {
      constructor() {
        throw new DOMException(refusal, 'SecurityError');
      }
    };
    vi.stubGlobal('Worker', refusal && Refused);
    await expect(RemoteFaceXFormer.load({ weights: 'w' })).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(message),
    });
  });
});
