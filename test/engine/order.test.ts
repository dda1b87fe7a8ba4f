/** Frames in flight whose GPU answers out of turn, pictures that do not come, and aborts that come late. A GPU of JavaScript (test/gpu/fake.ts). */
import { expect, it, vi } from 'vitest';
import type { FaceXFormer } from '../../src/index.ts';
import { eachWithFakeGpu, type fakeGpu } from '../gpu/fake.ts';
import { load, numbersOf, picture } from './reduced.ts';

let gpu: ReturnType<typeof fakeGpu>;
eachWithFakeGpu((one) => {
  gpu = one;
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
  const detect = vi.fn(async () => (await engine.analyze(picture, { box: 'whole' })).faces.map(({ box }) => ({ box, score: 1 })));
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
