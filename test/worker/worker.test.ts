/** The worker's two sides, joined in one process, with an engine that answers at once. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mtcnn as inPage } from '../../src/detect/mtcnn.ts';
import type { LoadOptions } from '../../src/engine/options.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { mtcnn, RemoteFaceXFormer, type RemoteLoadOptions, RemoteMtcnn } from '../../src/worker/client.ts';
import { type Engine, Engines } from '../../src/worker/engines.ts';
import { type Detectors, isGreeting, serve } from '../../src/worker/serve.ts';

/** A Worker, as far as a page sees it. */
class FakeWorker extends EventTarget {
  readonly ports: MessagePort[] = [];

  constructor(readonly engines: Engines) {
    super();
  }

  postMessage(data: unknown): void {
    if (!isGreeting(data)) return;
    this.ports.push(data.port);
    serve(data, this.engines, detectors);
  }
}

const searches: unknown[] = [];
const detectors: Detectors = new Engines(async ({ minFace }) => ({
  async detect(picture, { order, signal } = {}) {
    searches.push([(picture as { width: number }).width, minFace, order, signal?.aborted]);
    return [{ box: { x0: 0, y0: 0, x1: 1, y1: 1 }, score: 1, points: [] }];
  },
  dispose: () => searches.push('disposed'),
  lost: new Promise(() => {}),
}));

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
  const made = new FakeWorker(new Engines(load));
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
  });

  it('that is disposed of and asked for again at once, as StrictMode does, is the same', async () => {
    const one = worker();
    const load = (signal?: AbortSignal) =>
      RemoteFaceXFormer.load({ weights: 'https://example.org/w', worker: one, ...(signal && { signal }) });
    (await load()).dispose();
    const again = await load();
    await vi.advanceTimersByTimeAsync(5000);
    expect([loads.length, disposed]).toEqual([1, 0]);
    again.dispose();
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
    await vi.waitFor(() => expect(cancelled).toBe(1));
  });

  it('of a checkpoint reads it on the page, tensor by tensor', async () => {
    const tensors = new Map(['a', 'b'].map((name) => [name, { name, dtype: 'F32' as const, shape: [1], bytes: 4 }]));
    let ended = 0;
    async function* read() {
      try {
        for (const info of tensors.values()) yield { info, data: new Uint8Array(4).fill(info.name.charCodeAt(0)) };
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
    await expect(call).rejects.toMatchObject({ code: 'WORKER_FAILED', message: expect.stringMatching(/could not be loaded.*worker-src/) });
  });

  it('of another version is refused', async () => {
    const one = worker();
    vi.spyOn(one, 'postMessage').mockImplementation((data) => {
      workers.at(-1)?.ports.push((data as { port: MessagePort }).port);
      serve({ ...(data as { port: MessagePort }), facexformer: '0.0.1' }, new Engines(() => new Promise(() => {})), detectors);
    });
    await expect(RemoteFaceXFormer.load({ weights: 'w', worker: one })).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(/version 0\.0\.1/),
    });
  });

  it('is none in Node: a typed error', async () => {
    expect(await codeOf(RemoteFaceXFormer.load({ weights: 'w' }))).toBe('WORKER_FAILED');
  });
});
