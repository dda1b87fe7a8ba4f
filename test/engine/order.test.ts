/** Frames in flight whose GPU answers out of turn, pictures that do not come, and aborts that come late. A GPU of JavaScript (test/gpu/fake.ts). */
import { getEventListeners } from 'node:events';
import { expect, it, vi } from 'vitest';
import type { AnalyzedFace, FaceDetector, FaceXFormer } from '../../src/index.ts';
import { eachWithFakeGpu, type fakeGpu } from '../gpu/fake.ts';
import { load, numbersOf, picture } from './reduced.ts';

let gpu: ReturnType<typeof fakeGpu>;
eachWithFakeGpu((one) => {
  gpu = one;
});

/** Copies of canvases that are not closed. */
const open = new Set<object>();
/** What is seen on a canvas, as the engine copies it. */
const canvasOf = (seen: number) => ({ [Symbol.toStringTag]: 'OffscreenCanvas', width: 64, height: 64, seen }) as unknown as OffscreenCanvas;
const copied = async ({ seen }: { seen: number }) => {
  const copy = {
    [Symbol.toStringTag]: 'ImageBitmap',
    width: 64,
    height: 64,
    get seen() {
      if (!open.has(copy)) throw new Error('The copy is closed.');
      return seen;
    },
    close: () => void open.delete(copy),
  };
  open.add(copy);
  return copy;
};

it('answers pictures without an end as they come, each with its own faces, and holds few of them', async () => {
  vi.stubGlobal('createImageBitmap', copied);
  const counts = [2, 0, 9, 1, 3];
  let searched = 0;
  const detect = async () =>
    Array.from({ length: counts[searched++ % 5] as number }, (_, i) => ({
      box: { x0: 4 * i, y0: 8, x1: 4 * i + 9, y1: 40 },
      score: i / 9,
    }));
  const engine = await load({ detector: { detect } });
  const placesOf = (faces: readonly AnalyzedFace[]) => faces.map(({ box, score, source, age }) => ({ box, score, source, aged: !!age }));
  const pictures = counts.map((_, i) => canvasOf((i + 1) / 16));
  const alone: unknown[] = [];
  const { signal } = new AbortController();
  for (const one of pictures) {
    const { faces, timings } = await engine.analyze(one, { signal });
    alone.push(placesOf(faces));
    for (const time of Object.values(timings)) expect(time >= 0 && time <= timings.total).toBe(true);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  let asked = 0;
  let isOver = false;
  async function* endless() {
    try {
      for (;;) yield pictures[asked++ % 5] as OffscreenCanvas;
    } finally {
      isOver = true;
    }
  }
  let answered = 0;
  for await (const { faces } of engine.analyzeMany(endless())) {
    expect(placesOf(faces)).toEqual(alone[answered % 5]);
    expect(asked - answered++).toBeLessThan(12);
    expect(open.size).toBeLessThan(5);
    if (answered === 15) break;
  }
  expect(isOver).toBe(true);
  await vi.waitFor(() => expect(open.size).toBe(0));
  engine.dispose();
});

it('lets go of a picture when the GPU has it, but of one that may be run once more when it is answered', async () => {
  vi.stubGlobal('createImageBitmap', copied);
  const engine = await load();
  const run = async (repeat: boolean) => numbersOf(await engine.analyze(canvasOf(0.5), { box: 'whole', repeat }));
  const runMany = async (repeat: boolean) => {
    for await (const one of engine.analyzeMany([canvasOf(0.5)], { box: 'whole', repeat })) return numbersOf(one);
    return undefined;
  };
  const alone = await run(false);
  for (const call of [run, runMany])
    for (const repeat of [false, true]) {
      gpu.device.frame = 2 ** 30;
      const answer = call(repeat).catch((error: unknown) => error);
      await vi.waitFor(() => expect(gpu.device.whenGone.size).toBe(1));
      expect(open.size).toBe(repeat ? 1 : 0);
      const { lost } = engine;
      gpu.device.lose();
      expect(await answer).toEqual(repeat ? alone : expect.objectContaining({ code: 'DEVICE_LOST' }));
      await vi.waitFor(() => expect(open.size).toBe(0));
      expect(await (await lost).recovered).toBe(true);
    }
  engine.dispose();
});

it('keeps the buffers of four kinds of frames, and answers those of the others all the same', async () => {
  const engine = await load();
  const alive: number[] = [];
  for (let faces = 1; faces <= 8; faces++) {
    const boxes = Array.from({ length: faces }, () => ({ x0: 0, y0: 0, x1: 64, y1: 64 }));
    expect((await engine.analyze(picture, { boxes })).faces).toHaveLength(faces);
    const made = gpu.faults.reached.length;
    await engine.analyze(picture, { box: 'whole' }); // a kind that is used again and again, and so kept
    expect(gpu.faults.reached.slice(made)).not.toContain('createBuffer');
    alive.push(gpu.device.alive.size);
  }
  expect(alive.map((buffers) => Math.sign((alive[3] as number) - buffers))).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
  const made = gpu.faults.reached.length;
  await engine.analyze(picture, { box: 'whole' });
  expect(gpu.faults.reached.slice(made).filter((name) => name.startsWith('create'))).toEqual(['createCommandEncoder']);
  gpu.device.frame = 50; // those whose buffers are to go are on their way
  const counts = [1, 2, 3, 4, 5, 6, 7];
  const boxes = counts.map((count) => Array.from({ length: count }, () => ({ x0: 0, y0: 0, x1: 64, y1: 64 })));
  const calls = await Promise.all(boxes.map((boxes) => engine.analyze(picture, { boxes })));
  expect(calls.map(({ faces }) => faces.length)).toEqual(counts);
  engine.dispose();
});

it('asks where the faces are without a detector, a box or boxes', async () => {
  const engine = await load();
  await expect(engine.analyze(picture)).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message: expect.stringMatching(/Where are the faces/),
  });
  expect((await engine.analyze(picture, { boxes: [] })).faces).toEqual([]);
  engine.dispose();
});

it('reads a frame before the next, though the GPU says later of the first that it took it', async () => {
  const engine = await load();
  const run = async () => numbersOf(await engine.analyze(picture, { box: 'whole' }));
  const alone = await run();
  const said = gpu.device.popErrorScope.bind(gpu.device);
  let asked = 0;
  gpu.device.popErrorScope = async () => {
    const answer = said();
    await new Promise((over) => setTimeout(over, Math.max(0, 100 - 10 * asked++)));
    return answer;
  };
  const order: number[] = [];
  const calls = [0, 1, 2].map(async (i) => {
    const numbers = await run();
    order.push(i);
    return numbers;
  });
  expect(await Promise.all(calls)).toEqual([alone, alone, alone]);
  expect(order).toEqual([0, 1, 2]);
  expect(asked).toBeGreaterThan(6);
  engine.dispose();
});

it.each([
  ['ABORTED', (_: FaceXFormer, stop: AbortController) => stop.abort()],
  ['DISPOSED', (engine: FaceXFormer) => engine.dispose()],
  ['DISPOSED', (engine: FaceXFormer) => engine[Symbol.dispose]()],
])('ends with %s while it waits for a picture that never comes', async (code, end) => {
  const engine = await load();
  const stop = new AbortController();
  async function* pictures() {
    yield picture;
    setTimeout(() => end(engine, stop), 5);
    await new Promise(() => {});
  }
  await expect(engine.analyzeMany(pictures(), { box: 'whole', signal: stop.signal }).next()).rejects.toMatchObject({ code });
  engine.dispose();
});

it('loads nothing that was aborted when it was ready, and leaves nothing of it', async () => {
  const stop = new AbortController();
  const onProgress = ({ phase }: { phase: string }) => phase === 'ready' && stop.abort();
  const device = gpu.lend();
  await expect(load({ device: device as never, onProgress, signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  await vi.waitFor(() => expect(device.alive.size).toBe(0));
});

it('ends what a detector holds up when it is disposed of, on a device that stays there too', async () => {
  for (const device of [undefined, gpu.lend()]) {
    const detector = { detect: () => new Promise<never>(() => {}) };
    const engine = await load({ detector, ...(device && { device: device as never }) });
    const calls = [engine.analyze(picture), engine.analyze(picture, { box: 'whole' }), engine.analyzeMany([picture]).next()];
    setTimeout(() => engine.dispose(), 5);
    for (const call of await Promise.allSettled(calls)) expect(call).toMatchObject({ reason: { code: 'DISPOSED' } });
    await vi.waitFor(() => expect(device?.alive.size ?? 0).toBe(0));
  }
});

it('waits no longer for a detector that awaits the engine it works for, and hears an abort meanwhile', async () => {
  const detect = vi.fn<FaceDetector['detect']>(async () =>
    (await engine.analyze(picture, { box: 'whole' })).faces.map(({ box }) => ({ box, score: 1 })),
  );
  const engine = await load({ detector: { detect } });
  vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const late = engine.analyze(picture).catch((error: unknown) => error);
    await vi.waitFor(() => expect(detect).toHaveBeenCalled());
    await vi.advanceTimersByTimeAsync(600_000);
    expect(await late).toMatchObject({ code: 'GPU_ERROR', message: expect.stringMatching(/does not end, or awaits the engine/) });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    await expect(engine.analyze(picture, { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(detect).toHaveBeenLastCalledWith(expect.anything(), { signal: stop.signal });
    expect((await engine.analyze(picture, { box: 'whole' })).faces.length).toBe(1);
  } finally {
    vi.useRealTimers();
  }
  engine.dispose();
});

it.each(['createTexture', 'createView', 'createBindGroup'])(
  'goes on after a frame of a larger picture at which %s failed',
  async (name) => {
    const engine = await load();
    const run = async (side: number) =>
      numbersOf(await engine.analyze({ data: picture.data, width: side, height: side }, { box: 'whole' }));
    const larger = { data: new Uint8Array(1500 * 1500 * 4).fill(90), width: 1500, height: 1500 };
    const runLarger = async () => numbersOf(await engine.analyze(larger, { box: 'whole' }));
    const small = await run(64);
    const { point } = gpu.faults;
    let failed = 0;
    gpu.faults.point = (reached) => (reached === name && failed++ === 0 ? 'fails' : point.call(gpu.faults, reached));
    await expect(runLarger()).rejects.toMatchObject({ code: expect.stringMatching(/^(LIMIT|GPU_ERROR)$/) });
    const other = await load();
    expect(await runLarger()).toEqual(numbersOf(await other.analyze(larger, { box: 'whole' })));
    expect(await run(64)).toEqual(small);
    expect(gpu.devices.flatMap(({ uncaptured }) => uncaptured)).toEqual([]);
    engine.dispose();
    other.dispose();
  },
);
