/** A GPU that is lost, at every point of an engine's life: what calls hear, and that the engine goes on. A GPU of JavaScript (test/gpu/fake.ts). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mtcnn } from '../../src/detect/index.ts';
import { WAITS } from '../../src/gpu/recovery.ts';
import { type AnalyzeOptions, type Checkpoint, type FaceXFormer, type LoadDetector, seededCheckpoint } from '../../src/index.ts';
import { pipelineKey } from '../../src/kernels/kernel.ts';
import { SegFace, segFaceTensors } from '../../src/segface/index.ts';
import { keepChoices } from '../../src/tune/kept.ts';
import { tunablesOf } from '../../src/tune/tune.ts';
import { atNext } from '../../tools/devices.ts';
import { remembered } from '../../tools/remembered.ts';
import { codeOf } from '../errors.ts';
import { eachWithFakeGpu, type FakeDevice, Faults, type fakeGpu } from '../gpu/fake.ts';
import { indexedDbOf } from '../tune/indexed-db.ts';
import { load, numbersOf, picture, weights } from './reduced.ts';

let gpu: ReturnType<typeof fakeGpu>;
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
const run = async (engine: FaceXFormer, options: AnalyzeOptions = {}) =>
  numbersOf(await engine.analyze(picture, { box: 'whole', ...options }));
/** Until so many frames wait for the GPU's answer. */
const underWay = (frames: number) => vi.waitFor(() => expect(gpu.device.whenGone.size).toBe(frames), { timeout: 10_000 });
const later = (milliseconds = 0) => new Promise((done) => setTimeout(done, milliseconds));
const never = 2 ** 30;
const loseWhileCompiling = (device: FakeDevice) => atNext(device, 'createComputePipelineAsync', () => device.lose());

eachWithFakeGpu((one) => {
  gpu = one;
});
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await later();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(gpu.devices.flatMap(({ uncaptured }) => uncaptured)).toEqual([]);
});

describe('an engine whose GPU is lost', () => {
  it('answers as before on another, and tells an idle app', async () => {
    const engine = await load();
    const before = await run(engine);
    const { lost } = engine;
    gpu.device.lose();
    const { error, recovered } = await lost;
    expect(error.code).toBe('DEVICE_LOST');
    expect(await recovered).toBe(true);
    expect(engine.lost).not.toBe(lost);
    expect(gpu.devices).toHaveLength(2);
    expect(await run(engine)).toEqual(before);
    engine.dispose();
    expect(gpu.device.alive.size).toBe(0);
  });

  it('ends the calls under way at once, and answers those that wait and those that come', async () => {
    const engine = await load();
    const before = await run(engine);
    gpu.device.frame = never;
    const calls = Array.from({ length: 20 }, () => run(engine));
    const ended = Promise.allSettled(calls);
    await underWay(3);
    gpu.device.lose();
    const codes = (await ended).map((one) => (one.status === 'fulfilled' ? 'answered' : one.reason.code));
    expect(new Set(codes.slice(0, 3))).toEqual(new Set(['DEVICE_LOST']));
    expect(new Set(codes.slice(4))).toEqual(new Set(['answered']));
    expect(await run(engine)).toEqual(before);
    engine.dispose();
  });

  it('runs a call once more where that is asked, in the order of the calls', async () => {
    const engine = await load();
    const before = await run(engine);
    gpu.device.frame = never;
    const order: number[] = [];
    const calls = Array.from({ length: 5 }, (_, i) =>
      run(engine, { repeat: true }).then((numbers) => {
        order.push(i);
        return numbers;
      }),
    );
    await underWay(3);
    gpu.device.lose();
    expect(await Promise.all(calls)).toEqual(calls.map(() => before));
    expect(order).toEqual([0, 1, 2, 3, 4]);
    const many = async () => {
      const all: unknown[] = [];
      for await (const one of engine.analyzeMany([picture, picture], { box: 'whole', repeat: true })) all.push(numbersOf(one));
      return all;
    };
    const unbroken = await many();
    gpu.device.frame = never;
    const broken = many();
    await underWay(1);
    gpu.device.lose();
    expect(await broken).toEqual(unbroken);
    engine.dispose();
  });

  it('runs a call once more though a later one waits for its answer', async () => {
    const engine = await load();
    const before = await run(engine);
    gpu.device.frame = never;
    const calls = [run(engine, { repeat: true }), run(engine, { queue: 'latest' }), run(engine)];
    await underWay(1);
    gpu.device.lose();
    expect(await Promise.all(calls)).toEqual([before, before, before]);
    engine.dispose();
  });

  it.each([5, 60, 200])('is loaded all the same where that happens while it loads, at point %i', async (point) => {
    const engine = await load();
    const before = await run(engine);
    const begun = gpu.faults.reached.length;
    const { push } = gpu.faults.reached;
    gpu.faults.reached.push = function (name) {
      if (this.length === begun + point) gpu.device.lose();
      return push.call(this, name);
    };
    const other = await load();
    expect(gpu.devices).toHaveLength(3);
    expect(await run(other)).toEqual(before);
    engine.dispose();
    other.dispose();
  });

  it('is recovered once more where the next GPU is lost in the recovery', async () => {
    const engine = await load();
    const before = await run(engine);
    const { lost } = engine;
    gpu.prepare = (device) => {
      gpu.prepare = () => {};
      loseWhileCompiling(device);
    };
    gpu.device.lose();
    expect(await (await lost).recovered).toBe(true);
    expect(gpu.devices).toHaveLength(3);
    expect(await run(engine)).toEqual(before);
    engine.dispose();
  });

  it('is recovered where the next GPU has no memory at first', async () => {
    const engine = await load();
    const before = await run(engine);
    const { lost } = engine;
    gpu.prepare = () => {
      gpu.prepare = () => {};
      Object.assign(gpu.faults, { at: gpu.faults.reached.length + 1, fault: 'exhausted' });
    };
    gpu.device.lose();
    expect(await (await lost).recovered).toBe(true);
    expect(gpu.devices).toHaveLength(3);
    expect(await run(engine)).toEqual(before);
    engine.dispose();
  });

  it('says so where there is no other, and does not wait', async () => {
    const engine = await load();
    gpu.adapters = 0;
    const begun = performance.now();
    gpu.device.lose();
    await expect(run(engine)).rejects.toThrow(/DEVICE_LOST|gives no other.*Chrome/);
    expect(await codeOf(() => run(engine))).toBe('DEVICE_LOST');
    expect(await (await engine.lost).recovered).toBe(false);
    expect(performance.now() - begun).toBeLessThan(10_000);
    engine.dispose();
    expect(await codeOf(() => run(engine))).toBe('DISPOSED');
  });

  it('gives up where GPUs are lost in a row, with no answer between', async () => {
    const engine = await load();
    gpu.prepare = loseWhileCompiling;
    const waits = WAITS.splice(0, WAITS.length, 0, 5, 10, 20);
    gpu.device.lose();
    expect(await (await engine.lost).recovered).toBe(false);
    WAITS.splice(0, WAITS.length, ...waits);
    expect(gpu.devices.length).toBe(5);
    await expect(run(engine)).rejects.toThrow(/4 times in a row/);
  });

  it.each([
    ['an answer', (engine: FaceXFormer) => run(engine)],
    ['a minute', async () => void vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 61_000)],
  ])('is recovered however often they are lost, with %s between', async (_, between) => {
    const engine = await load();
    for (let losses = 0; losses <= WAITS.length; losses++) {
      const { lost } = engine;
      gpu.device.lose();
      expect(await (await lost).recovered).toBe(true);
      await between(engine);
    }
    engine.dispose();
  });

  it('has the kernels that were tuned in an earlier visit, unless told otherwise, and after the loss as well', async () => {
    vi.stubGlobal('indexedDB', indexedDbOf(new Faults()));
    const plain = await load();
    const kernelsOf = (engine: FaceXFormer) => engine.plan().dispatches.map(({ kernel, launch }) => pipelineKey(kernel, launch));
    const tunables = tunablesOf(plain.plan());
    const choices = Object.fromEntries(tunables.map(({ label, candidates }) => [label, candidates.at(-1)?.name as string]));
    await keepChoices(plain.info.adapter, 'f32', choices);
    const untuned = await load({ tuned: false });
    expect(kernelsOf(untuned)).toEqual(kernelsOf(plain));
    const engine = await load();
    const tuned = kernelsOf(engine);
    expect(tuned).not.toEqual(kernelsOf(plain));
    vi.stubGlobal('indexedDB', undefined);
    const { lost } = engine;
    gpu.device.lose();
    expect(await (await lost).recovered).toBe(true);
    expect(kernelsOf(engine)).toEqual(tuned);
    for (const one of [plain, untuned, engine]) one.dispose();
  });

  it('is told of a loss that what failed by it was quicker than', async () => {
    const engine = await load();
    const { device } = gpu;
    device.popErrorScope = async () => {
      setTimeout(() => device.lose(), 10);
      throw new Error('gone');
    };
    expect(await codeOf(() => run(engine))).toBe('DEVICE_LOST');
    engine.dispose();
  });

  it('leaves a device that was lent to the app', async () => {
    const made = await load();
    const { device } = gpu;
    const engine = await load({ device: device as never });
    expect(gpu.devices).toHaveLength(1);
    gpu.device.lose();
    expect(await (await engine.lost).recovered).toBe(false);
    await expect(run(engine)).rejects.toThrow(/app's own/);
    expect(await run(made)).toHaveLength(2);
    expect(gpu.devices).toHaveLength(2);
    made.dispose();
  });

  it.each([
    ['weights that can be read only once', { weights: { ...weights, rereadable: false } as Checkpoint }, /only once/],
    ['`recover: false`', { recover: false }, /recover: false/],
  ])('is lost for good with %s', async (_, options, message) => {
    const engine = await load(options);
    gpu.device.lose();
    expect(await (await engine.lost).recovered).toBe(false);
    await expect(run(engine)).rejects.toThrow(message);
    expect(gpu.devices).toHaveLength(1);
  });

  it('keeps DEVICE_LOST for what was pending when it is disposed of', async () => {
    const engine = await load();
    gpu.device.frame = never;
    const calls = Array.from({ length: 6 }, () => codeOf(() => run(engine)));
    await underWay(3);
    gpu.adapters = 0;
    gpu.device.lose();
    await calls[0];
    engine.dispose();
    expect(await Promise.all(calls)).toEqual(calls.map(() => 'DEVICE_LOST'));
    expect(await codeOf(() => run(engine))).toBe('DISPOSED');
  });

  it('leaves nothing behind where it is disposed of in the recovery', async () => {
    for (const milliseconds of [1, 20, 200]) {
      const engine = await load();
      gpu.device.lose();
      await later(milliseconds);
      const waits = codeOf(() => run(engine));
      engine.dispose();
      engine.dispose();
      expect(['DEVICE_LOST', 'DISPOSED']).toContain(await waits);
      await vi.waitFor(() => expect(gpu.devices.every(({ isGone }) => isGone)).toBe(true));
    }
  });

  it('refuses what a function made that is no detector', async () => {
    const error = await load({ detector: mtcnn as never }).catch((refused: unknown) => refused); // not called
    expect(error).toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/mtcnn\(\), called/) });
    expect(gpu.devices.every(({ isGone }) => isGone)).toBe(true);
  });

  const wrong = [[{ x: Number.NaN, y: 1 }], [{ x: 1, y: Number.POSITIVE_INFINITY }], [{ x: 1 }], [null], 7].map((points) => ({ points }));
  it.for([...wrong, { score: 98 }, { score: -0.1 }, { score: Number.NaN }, { score: undefined }])(
    'refuses what a detector gives for points or a score: %o',
    async (given) => {
      const found = [{ box: { x0: 8, y0: 8, x1: 40, y1: 40 }, score: 1, ...(given as object) }];
      const engine = await load({ detector: { detect: async () => found } });
      expect(await codeOf(() => engine.analyze(picture))).toBe('BAD_OPTION');
      found[0] = { ...found[0], score: Number.NaN, points: [] as never } as (typeof found)[number];
      expect(await codeOf(() => engine.analyze(picture))).toBe('BAD_OPTION');
      found.length = 0;
      expect((await engine.analyze(picture)).faces).toEqual([]);
      engine.dispose();
    },
  );

  it.for([
    { x0: 40, y0: 8, x1: 8, y1: 40 },
    { x: 40, y: 40, width: 32, height: -1 },
  ])('refuses an inverted box of a detector, %o, and drops an empty one and those beside the picture', async (box) => {
    const found = [{ box: box as never, score: 1 }];
    const engine = await load({ detector: { detect: async () => found } });
    await expect(engine.analyze(picture)).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/no box inverted/) });
    for (const [x0, x1] of [
      [8, 8],
      [-50, -20],
      [90, 120],
    ]) {
      found[0] = { box: { x0, y0: 8, x1, y1: 40 } as never, score: 1 };
      for (const crop of ['official', 'square'] as const) expect((await engine.analyze(picture, { crop })).faces).toEqual([]);
    }
    engine.dispose();
  });

  it('refuses boxes of a detector that are parts of the picture, as several libraries give them: of a face of no pixel nothing would be seen', async () => {
    const found = [{ box: { x0: 0.25, y0: 0.25, x1: 0.75, y1: 0.75 }, score: 1 }];
    const engine = await load({ detector: { detect: async () => found } });
    const refused = { code: 'BAD_OPTION', message: expect.stringMatching(/in picture pixels/) };
    for (const crop of ['official', 'square'] as const) await expect(engine.analyze(picture, { crop })).rejects.toMatchObject(refused);
    found[0] = { box: { x0: 8.4, y0: 8.4, x1: 9.4, y1: 9.4 }, score: 1 };
    expect((await engine.analyze(picture)).faces.length).toBe(1);
    engine.dispose();
  });

  it('keeps none of the boxes and points of a detector that uses them again', async () => {
    const found = { box: { x0: 8, y0: 8, x1: 40, y1: 40 }, score: 1, points: [{ x: 1, y: 2 }] };
    const engine = await load({ detector: { detect: async () => [found] } });
    const { faces } = await engine.analyze(picture);
    found.box.x0 = 9;
    (found.points[0] as { x: number }).x = 9;
    expect(faces).toMatchObject([{ detected: { x0: 8 }, points: [{ x: 1, y: 2 }] }]);
    engine.dispose();
  });

  it('has its detector again', async () => {
    const on: unknown[] = [];
    let disposed = 0;
    const detector: LoadDetector = async ({ device }) => {
      on.push(device);
      return { detect: async () => [{ box: { x0: 8, y0: 8, x1: 40, y1: 40 }, score: 1 }], dispose: () => disposed++ };
    };
    const engine = await load({ detector });
    const before = numbersOf(await engine.analyze(picture));
    const { lost } = engine;
    gpu.device.lose();
    await (await lost).recovered;
    expect(numbersOf(await engine.analyze(picture))).toEqual(before);
    expect(on).toEqual(gpu.devices);
    engine.dispose();
    await later();
    expect(disposed).toBe(2);
  });

  it('hears an abort at once while it waits for another', async () => {
    const engine = await load();
    gpu.adapters = 0; // four attempts take more than a second
    const abort = new AbortController();
    gpu.device.lose();
    const waits = codeOf(() => run(engine, { signal: abort.signal }));
    await later(50);
    const begun = performance.now();
    abort.abort();
    expect(await waits).toBe('ABORTED');
    expect(performance.now() - begun).toBeLessThan(200);
    engine.dispose();
  });
});

describe('SegFace', () => {
  it('is told and goes on as FaceXFormer is', async () => {
    const own = remembered(seededCheckpoint(segFaceTensors('mobilenet_v3_large')));
    const parser = await SegFace.load({ weights: own, side: 224 });
    const parse = async () => (await parser.analyze(picture, { box: 'whole', raw: true })).faces[0]?.raw?.['output.segmentation'];
    const before = await parse();
    expect(before).toMatchObject({ shape: [1, 19, 224, 224] });
    const { lost } = parser;
    gpu.device.lose();
    const { error, recovered } = await lost;
    expect(error.code).toBe('DEVICE_LOST');
    expect(await recovered).toBe(true);
    expect(parser.lost).not.toBe(lost);
    expect(await parse()).toEqual(before);
    gpu.device.frame = never;
    const repeated = parser.analyze(picture, { box: 'whole', repeat: true });
    const failed = codeOf(() => parse());
    await underWay(2);
    gpu.device.lose();
    expect((await repeated).faces).toHaveLength(1);
    expect(await failed).toBe('DEVICE_LOST');
    parser.dispose();
    expect(gpu.device.alive.size).toBe(0);
    expect(await codeOf(() => parse())).toBe('DISPOSED');
  });
});

describe('two engines on one device', () => {
  it('are two: one goes on when the other is disposed of, and nothing of either is left', async () => {
    const owner = await load();
    const { device } = gpu;
    const own = device.alive.size;
    const [one, other] = await Promise.all([load({ device: device as never }), load({ device: device as never })]);
    const [a, b] = await Promise.all([run(one), run(other)]);
    expect(a).toEqual(b);
    const running = codeOf(() => run(one));
    one.dispose();
    expect(await running).toBe('DISPOSED');
    expect(await run(other)).toEqual(a);
    other.dispose();
    expect(device.isGone).toBe(false);
    expect(device.alive.size).toBe(own);
    owner.dispose();
  });
});

describe('a frame', () => {
  it('that did not run gives no answer, from the first one on or from a later one', async () => {
    gpu.prepare = (device) => {
      device.works = false;
    };
    const engine = await load().catch((error) => error.code);
    if (engine !== 'GPU_ERROR') expect(await codeOf(() => run(engine))).toBe('GPU_ERROR');
    gpu.prepare = () => {};
    const other = await load();
    const before = await run(other);
    gpu.device.works = false;
    for (let i = 0; i < 5; i++) expect(await codeOf(() => run(other))).toBe('GPU_ERROR');
    gpu.device.works = true;
    expect(await run(other)).toEqual(before);
    if (typeof engine !== 'string') engine.dispose();
    other.dispose();
  });

  it('is one submit, but several on a GPU that needs long', async () => {
    const engine = await load();
    const submitsOf = async (device: FakeDevice) => {
      const from = device.submits.length;
      await run(engine);
      return device.submits.length - from;
    };
    const before = await run(engine);
    expect(await submitsOf(gpu.device)).toBe(1);
    gpu.device.frame = 900;
    await run(engine);
    const submits = await submitsOf(gpu.device);
    expect(submits).toBeGreaterThanOrEqual(3);
    expect(submits).toBeLessThan(12);
    gpu.device.frame = 0;
    expect(await run(engine)).toEqual(before);
    expect(await submitsOf(gpu.device)).toBe(1);
    engine.dispose();
  });
});
