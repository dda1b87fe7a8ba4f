/**
 * Random histories of an engine, on the page and in a worker: calls of every kind at once, aborted or broken off, while GPUs are slow, refuse, do not
 * answer or are lost. Every call ends, with the numbers of its own picture or a typed error; the engine goes on; nothing is left when it is disposed of.
 * A GPU of JavaScript (test/gpu/fake.ts).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { WAITS } from '../../src/gpu/recovery.ts';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import type { AnalyzeOptions, FaceXFormer, LentDevice, LoadOptions, PictureSource } from '../../src/index.ts';
import { RemoteFaceXFormer } from '../../src/worker/client.ts';
import { Engines } from '../../src/worker/engines.ts';
import { isGreeting, serve } from '../../src/worker/serve.ts';
import { eachWithFakeGpu, type fakeGpu } from '../gpu/fake.ts';
import { load, numbersOf } from './reduced.ts';

/** How many; `npm run fuzz` runs more. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 30);
const PICTURES = 60;
/** Milliseconds in which every call must have ended, all of PATIENCE and every recovery included. */
const LONG = 10_000;

let gpu: ReturnType<typeof fakeGpu>;
eachWithFakeGpu((one) => {
  gpu = one;
});

const [patience, waits] = [{ ...PATIENCE }, [...WAITS]];
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', note);
  WAITS.splice(0, WAITS.length, 0, 1, 2, 3);
  Object.assign(PATIENCE, { adapter: 300, device: 300, gpu: 400, picture: 1000, detector: 1000 });
});
afterAll(() => {
  process.off('unhandledRejection', note);
  WAITS.splice(0, WAITS.length, ...waits);
  Object.assign(PATIENCE, patience);
});

const later = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
/** Bitmaps and frames that are not closed. */
const shown = new Set<object>();

/** A picture of some kind that is the browser's: what it shows is a number. */
class Shown {
  readonly width = 64;
  readonly height = 64;
  readonly displayWidth = 64;
  readonly displayHeight = 64;
  readonly size = 1;
  readonly seen: number;

  constructor(
    { seen }: { readonly seen: number },
    private readonly kind = 'VideoFrame',
  ) {
    this.seen = seen;
    if (/^(VideoFrame|ImageBitmap)$/.test(kind)) shown.add(this);
  }

  get [Symbol.toStringTag](): string {
    return this.kind;
  }

  close(): void {
    shown.delete(this);
  }
}

/** A canvas to draw frames on. */
class Drawn extends Shown {
  constructor() {
    super({ seen: 0 }, 'OffscreenCanvas');
  }

  getContext = () => ({ drawImage: ({ seen }: Shown) => Object.assign(this, { seen }) });
}

beforeEach(() => {
  vi.stubGlobal('VideoFrame', Shown);
  vi.stubGlobal('OffscreenCanvas', Drawn);
  const refused = () => new DOMException('made to fail', 'InvalidStateError');
  vi.stubGlobal('createImageBitmap', async (of: Shown) => {
    const { seen } = of;
    await later(1);
    return gpu.faults.answer('createImageBitmap', () => new Shown({ seen }, 'ImageBitmap'), refused);
  });
});

const pictureOf = (k: number) => ({ data: new Uint8Array(64 * 64 * 4).fill(4 * k), width: 64, height: 64 });
const box = { x0: 0, y0: 0, x1: 64, y1: 64 };

const milliseconds = fc.nat(12);
const asked = {
  picture: fc.nat(PICTURES - 1),
  abort: fc.option(milliseconds, { freq: 2 }),
  repeat: fc.boolean(),
  raw: fc.constantFrom(false, false, false, true),
};
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      call: fc.constant('analyze' as const),
      kind: fc.constantFrom('pixels' as const, 'Blob' as const, 'OffscreenCanvas' as const, 'VideoFrame' as const),
      faces: fc.oneof(fc.constant('whole' as const), fc.constant('found' as const), fc.nat(10)),
      queue: fc.constantFrom(undefined, undefined, undefined, 'wait' as const, 'latest' as const, 'refuse' as const),
      ...asked,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('analyzeMany' as const),
      count: fc.nat(11),
      until: fc.option(fc.nat(11)),
      slow: fc.boolean(),
      ...asked,
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('tune' as const), abort: asked.abort }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('profile' as const) }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('lose' as const) }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('dispose' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      call: fc.constant('fault' as const),
      after: fc.nat(60),
      fault: fc.constantFrom('fails' as const, 'exhausted' as const, 'hangs' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ call: fc.constant('wait' as const), milliseconds }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Finds as many faces as its picture says, fails, or does not answer. */
const detector = {
  async detect(picture: unknown, { signal }: { signal?: AbortSignal | undefined } = {}) {
    await later(1);
    const { data, seen } = picture as { data?: Uint8Array; seen?: number };
    const k = data ? (data[0] as number) / 4 : 64 * (seen as number);
    if (k === 7) throw new FaceXFormerError('GPU_ERROR', 'the detector fails');
    if (k === 8) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    return Array.from({ length: k % 4 }, () => ({ box, score: 1 }));
  },
  dispose: () => {},
  lost: new Promise<never>(() => {}),
};

type Engine = Pick<FaceXFormer, 'analyze' | 'analyzeMany' | 'dispose'> & Record<'tune' | 'profile', (options?: object) => Promise<unknown>>;

/** An engine of the page, or one in a worker, whose two sides are in this process. */
async function begun(where: 'page' | 'lent' | 'worker'): Promise<Engine> {
  const options = { detector: detector as NonNullable<LoadOptions['detector']> };
  if (where === 'page') return load(options) as Promise<Engine>;
  if (where === 'lent') return load({ ...options, device: gpu.lend() as unknown as LentDevice }) as Promise<Engine>;
  const engines = new Engines(({ signal }) => load({ ...options, signal }));
  const worker = Object.assign(new EventTarget(), { postMessage: (data: unknown) => isGreeting(data) && serve(data, engines) });
  return RemoteFaceXFormer.load({ weights: new Uint8Array(8), worker: worker as never }) as Promise<Engine>;
}

/** Runs a history to its end, and tells what of it is wrong. */
async function wrongOf(
  where: 'page' | 'lent' | 'worker',
  frame: number,
  steps: readonly Step[],
  expected: readonly string[],
): Promise<string[]> {
  const wrong: string[] = [];
  gpu.prepare = (device) => {
    device.frame = frame;
  };
  const engine = await begun(where);
  const open = new Map<number, string>();
  const answered: number[] = [];
  let isOver = false;
  const follow = (i: number, what: Step, call: Promise<unknown>) => {
    open.set(i, JSON.stringify(what));
    const ended = call.catch((error) => {
      if (!(error instanceof FaceXFormerError)) wrong.push(`${JSON.stringify(what)}: ${error?.stack ?? error}`);
      else if (error.code === 'DISPOSED' && !isOver) wrong.push(`${JSON.stringify(what)}: ${error.code}`);
    });
    void ended.then(() => open.delete(i));
  };
  const right = (k: number, numbers: unknown) => {
    if (JSON.stringify(numbers) !== expected[k]) wrong.push(`picture ${k} has ${JSON.stringify(numbers)}, not ${expected[k]}`);
  };
  const optionsOf = ({ abort, repeat, raw }: { abort?: number | null; repeat?: boolean; raw?: boolean }) => {
    const stop = new AbortController();
    if (typeof abort === 'number') setTimeout(() => stop.abort(), abort);
    return { ...(typeof abort === 'number' && { signal: stop.signal }), ...(repeat && { repeat }), ...(raw && { raw }) };
  };
  for (const [i, what] of steps.entries()) {
    if (what.call === 'wait') await later(what.milliseconds);
    else if (what.call === 'lose') gpu.device.lose();
    else if (what.call === 'fault') Object.assign(gpu.faults, { at: gpu.faults.reached.length + what.after, fault: what.fault });
    else if (what.call === 'dispose') {
      isOver = true;
      engine.dispose();
    } else if (what.call === 'tune') follow(i, what, engine.tune({ budget: 20, ...optionsOf(what) }));
    else if (what.call === 'profile') follow(i, what, engine.profile());
    else if (what.call === 'analyze') {
      const { faces, picture: k } = what;
      const kind = where === 'worker' ? 'pixels' : what.kind; // what is made up crosses to no worker
      const queue = what.queue ?? (kind === 'VideoFrame' ? 'latest' : undefined);
      const options: AnalyzeOptions = { ...optionsOf(what), ...(queue && { queue }) };
      if (faces === 'whole') options.box = 'whole';
      else if (faces !== 'found') options.boxes = Array.from({ length: faces }, () => box);
      const given = kind === 'pixels' ? pictureOf(k) : new Shown({ seen: k / 64 }, kind);
      const read = engine.analyze(given as PictureSource, options).then((analysis) => {
        if (queue !== 'latest') answered.push(i);
        const count = analysis.faces.length;
        const wanted = faces === 'whole' ? 1 : faces === 'found' ? k % 4 : faces;
        if (count !== wanted) wrong.push(`${JSON.stringify(what)} has ${count} faces`);
        else if (faces === 'whole') right(k, numbersOf(analysis));
      });
      if (kind === 'VideoFrame') (given as Shown).close(); // at once, as it may be
      follow(i, what, read);
    } else {
      const { count, until, slow, picture } = what;
      const read = async () => {
        async function* pictures() {
          for (let k = 0; k < count; k++) {
            if (slow) await later(k % 3);
            yield pictureOf((picture + k) % PICTURES);
          }
        }
        let given = 0;
        for await (const analysis of engine.analyzeMany(pictures(), { ...optionsOf(what), box: 'whole' })) {
          if (analysis.faces.length !== 1) wrong.push(`${JSON.stringify(what)} has ${analysis.faces.length} faces`);
          if (++given === until) return;
          if (slow) await later(given % 4);
        }
        if (given !== count) wrong.push(`${JSON.stringify(what)} has ${given} answers`);
      };
      follow(i, what, read());
    }
  }
  const end = performance.now();
  while (open.size > 0 && performance.now() - end < LONG) await later(1);
  for (const call of open.values()) wrong.push(`${call} does not end`);
  if (answered.some((i, at) => i < (answered[at - 1] ?? 0))) wrong.push(`out of turn: ${answered}`);
  const isLost = (where === 'lent' && gpu.device.isGone) || gpu.faults.reached[gpu.faults.at] === 'requestAdapter'; // for good: there was no other GPU
  Object.assign(gpu.faults, { at: -1 });
  if (!isOver && !isLost)
    await engine.analyze(pictureOf(1), { box: 'whole', repeat: true }).then(
      (analysis) => right(1, numbersOf(analysis)),
      (error) => wrong.push(`afterwards: ${error}`),
    );
  isOver = true;
  engine.dispose();
  const left = () => (where === 'lent' ? gpu.device.alive.size : gpu.devices.filter(({ isGone }) => !isGone).length);
  for (let i = 0; i < 100 && left() > 0; i++) await later(10); // an engine in a worker hears of it later
  if (left() > 0) wrong.push(`${left()} are left`);
  for (let i = 0; i < 100 && shown.size > 0; i++) await later(10);
  if (shown.size > 0) wrong.push(`${shown.size} pictures are open`);
  shown.clear();
  wrong.push(...gpu.devices.flatMap(({ uncaptured }) => uncaptured), ...unhandled.splice(0).map((reason) => `nobody caught ${reason}`));
  gpu.devices.length = 0;
  return wrong;
}

it.each(['page', 'lent', 'worker'] as const)('of an engine, %s, end well', { timeout: HISTORIES * LONG }, async (where) => {
  const engine = await load();
  const expected: string[] = [];
  for (let k = 0; k < PICTURES; k++) expected.push(JSON.stringify(numbersOf(await engine.analyze(pictureOf(k), { box: 'whole' }))));
  engine.dispose();
  gpu.devices.length = 0;
  expect(new Set(expected).size).toBe(PICTURES);
  const history = fc.asyncProperty(fc.nat(3), fc.array(step, { minLength: 3, maxLength: 16 }), async (frame, steps) => {
    expect(await wrongOf(where, frame, steps, expected)).toEqual([]);
  });
  await fc.assert(history, { numRuns: HISTORIES });
});
