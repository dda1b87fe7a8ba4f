import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { network } from '../../src/model/network.ts';
import { type Choices, choicesOf, type Trial, type Tunable, type TunedShape, tunablesOf, tuneShapes } from '../../src/tune/tune.ts';

interface Simulated {
  /** Milliseconds of a dispatch at the full clock, by the candidate's name; NaN for one that the compiler refuses. */
  readonly times: (name: string, tunable: Tunable) => number;
  /** Of the numbers, by the candidate's name; or what comes of asking for it. */
  readonly errors?: Readonly<Record<string, number | Error>>;
  /** How much a time may be off, either way. */
  readonly noise?: number;
  readonly seed?: number;
  /** Milliseconds that a pipeline compiles. Eight do so at a time. */
  readonly compiling?: number;
  /** Milliseconds between two passes. */
  readonly between?: number;
}

/**
 * A GPU whose clock falls to a fifth when it is idle, and takes 20 ms of work to rise. Its measurements are passes of 7 ms or of a share of them, between
 * which it is idle for a little, and noisy.
 */
class SimulatedGpu {
  now = 0;
  readonly asked: string[] = [];
  opened = 0;
  closed = 0;
  #clock = 0.2;
  #seen = 0;
  #compiled = 0;
  #state: number;

  constructor(private readonly like: Simulated) {
    this.#state = like.seed ?? 1;
  }

  open = async (tunable: Tunable): Promise<Trial> => {
    this.opened++;
    this.#compiled = Math.max(this.#compiled, this.now) + ((this.like.compiling ?? 0) * tunable.candidates.length) / 8;
    const ready = this.#compiled;
    let isReady = false;
    let tell = () => {};
    const compiled = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const look = () => {
      if (isReady || this.now < ready) return;
      isReady = true;
      tell();
    };
    look();
    return {
      compiled,
      bound: 1e-10,
      close: () => void this.closed++,
      time: async ({ name }, share = 1) => {
        this.asked.push(`${tunable.label} ${name}`);
        const time = this.#run(this.like.times(name, tunable), name, 7 * share);
        look();
        await Promise.resolve();
        return time;
      },
      error: async ({ name }) => {
        const error = this.like.errors?.[name] ?? 1e-14;
        if (error instanceof Error) throw error;
        return error;
      },
    };
  };

  /** A pass, after a pause in which the clock falls. */
  #run(full: number, name: string, lasting: number): number {
    this.now += this.like.between ?? 0.4;
    if (Number.isNaN(full)) throw new FaceXFormerError('GPU_ERROR', `${name} does not compile`);
    const idle = this.now - this.#seen;
    this.#clock = Math.max(0.2, this.#clock - idle * 0.1);
    const clock = this.#clock;
    this.now += lasting;
    this.#seen = this.now;
    this.#clock = Math.min(1, this.#clock + lasting * 0.04);
    const noise = (this.like.noise ?? 0) * (2 * this.#random() - 1);
    return (full / ((clock + this.#clock) / 2)) * (1 + noise);
  }

  #random(): number {
    this.#state = (this.#state * 48_271) % 0x7fffffff;
    return this.#state / 0x7fffffff;
  }
}

const NAMES = ['table', 'quick', 'quicker', 'slow'];
const tunables = ['a', 'b', 'c'].map(
  (label) => ({ label, candidates: NAMES.map((name) => ({ name })), dispatches: [{ node: label }] }) as unknown as Tunable,
);

function tuned(like: Omit<Simulated, 'times'> & { times?: Record<string, number> } = {}, more: { budget?: number; known?: Choices } = {}) {
  const times = { table: 10, quick: 8, quicker: 5, slow: 30, ...like.times };
  const gpu = new SimulatedGpu({ ...like, times: (name) => times[name as keyof typeof times] });
  const run = tuneShapes(tunables, { open: gpu.open, budget: 1e5, now: () => gpu.now, ...more });
  return { gpu, run };
}

const summary = (shapes: readonly TunedShape[]) => shapes.map(({ measured, chosen }) => [measured, chosen]);

describe('tuning', () => {
  it('takes the fastest, and says how much faster it is', async () => {
    const [shape] = await tuned().run;
    expect(shape).toMatchObject({
      nodes: ['a'],
      shape: 'a',
      chosen: 'quicker',
      default: 'table',
      checked: 1e-14,
      measured: 'all',
      note: '',
    });
    expect(shape?.speedup).toBeCloseTo(2, 0);
    expect(shape?.tried.map(({ name, milliseconds }) => `${name} ${Math.round(milliseconds)}`)).toEqual([
      'table 10',
      'quick 8',
      'quicker 5',
      'slow 31',
    ]);
  });

  it('measures in turns, and leaves out after a round who is far behind', async () => {
    const { gpu, run } = tuned();
    await run;
    const ofA = gpu.asked.filter((one) => one.startsWith('a ')).map((one) => one.slice(2));
    const rounds = ofA.slice(ofA.indexOf('quick') - 1); // after the warming up
    const then = ['table', 'quicker'];
    expect(rounds).toEqual([...NAMES, ...then, ...then, ...then, ...then, ...then, ...then]);
  });

  it.each([
    ['is hardly faster', [9, 9, 9, 9.85, 9.85, 9.85, 9.85]],
    ['is faster now and slower then', [8, 8, 8, 8, 8, 11.8, 11.8]],
  ])('keeps the table where what looked faster %s when it is measured again', async (_, each) => {
    const times = { table: 10, quicker: 20, slow: 30 };
    const gpu = new SimulatedGpu({ times: (name) => times[name as keyof typeof times] ?? (each.shift() as number) });
    const [shape] = await tuneShapes(tunables.slice(0, 1), { open: gpu.open, budget: 1e5, now: () => gpu.now });
    expect(shape).toMatchObject({ chosen: 'table', note: 'quick was no faster when measured again' });
    expect(each).toEqual([]);
  });

  it.each(['DEVICE_LOST', 'LIMIT'] as const)('ends with %s where that is what comes of a candidate', async (code) => {
    const { run, gpu } = tuned({ errors: { quicker: new FaceXFormerError(code, 'gone') } });
    await expect(run).rejects.toMatchObject({ code });
    expect(gpu.closed).toBe(gpu.opened);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => 1000 + 77 * seed))(
    'is not fooled by a clock that falls and by noise (%i)',
    async (seed) => {
      const like = { seed, compiling: 150 };
      for (const { chosen } of await tuned({ ...like, noise: 0.08 }).run) expect(chosen).toBe('quicker');
      const equal = { table: 10, quick: 10, quicker: 10.1, slow: 9.95 };
      for (const { chosen, speedup } of await tuned({ ...like, noise: 0.02, times: equal }).run)
        expect([chosen, speedup]).toEqual(['table', 1]);
      const slower = { table: 10, quick: 11, quicker: 11, slow: 12 };
      for (const { chosen } of await tuned({ ...like, noise: 0.08, times: slower }).run) expect(chosen).toBe('table');
    },
  );

  it.each([1e-9, Number.NaN, Number.POSITIVE_INFINITY, new FaceXFormerError('GPU_ERROR', 'refused')])(
    'takes the next one where the fastest is off by %s, and says so',
    async (error) => {
      const times = { quick: 7, quicker: 6 };
      const [shape] = await tuned({ times, errors: { quicker: error }, noise: 0.02 }).run;
      expect(shape).toMatchObject({ chosen: 'quick', note: expect.stringContaining('quicker computes something else') });
    },
  );

  it('keeps the table where all others compute something else', async () => {
    const [shape] = await tuned({ errors: { quicker: 1, quick: 1, slow: 1 }, times: { slow: 9 } }).run;
    expect(shape).toMatchObject({ chosen: 'table', speedup: 1, note: expect.stringContaining('quicker computes something else') });
    expect(choicesOf([shape as TunedShape])).toEqual({ a: 'table' });
    const some = { ...(shape as TunedShape), measured: 'some' } as const;
    expect(choicesOf([some])).toEqual({});
    expect(choicesOf([{ ...some, chosen: 'quick' }])).toEqual({ a: 'quick' });
  });

  it('keeps the table where the clock is too coarse to tell anything', async () => {
    const { run, gpu } = tuned({ times: { table: 0, quick: 0, quicker: 0, slow: 0 } });
    for (const shape of await run) expect(shape).toMatchObject({ chosen: 'table', speedup: 1, measured: 'all', note: '' });
    expect(gpu.now).toBeLessThan(1000);
  });

  it('goes on without a candidate that does not compile, but not without the table', async () => {
    const [shape] = await tuned({ times: { quick: Number.NaN } }).run;
    expect(shape).toMatchObject({ chosen: 'quicker', note: expect.stringContaining('quick was refused') });
    const broken = tuned({ times: { table: Number.NaN } });
    await expect(broken.run).rejects.toMatchObject({ code: 'GPU_ERROR' });
    expect(broken.gpu.closed).toBe(broken.gpu.opened);
  });

  it('begins nothing when the budget is spent, and keeps the table where it was not through', async () => {
    const { gpu, run } = tuned({}, { budget: 180 });
    const shapes = await run;
    expect(summary(shapes)).toEqual([
      ['all', 'quicker'],
      ['some', 'table'],
      ['none', 'table'],
    ]);
    expect(gpu.now).toBeLessThan(190);
    expect(gpu.closed).toBe(gpu.opened);
    expect(choicesOf(shapes)).toEqual({ a: 'quicker' });
  });

  it('measures nothing that is known, and everything whose name no candidate has', async () => {
    const { gpu, run } = tuned({}, { known: { a: 'quick', b: 'gone', c: 'table' } });
    expect(summary(await run)).toEqual([
      ['before', 'quick'],
      ['all', 'quicker'],
      ['before', 'table'],
    ]);
    expect(new Set(gpu.asked.map((one) => one[0]))).toEqual(new Set(['b']));
    expect(gpu.opened).toBe(1);
  });

  it('keeps the GPU busy while compilers work', async () => {
    const { gpu, run } = tuned({ compiling: 400 });
    await run;
    expect(gpu.asked.slice(0, 10)).toEqual(Array(10).fill('a table'));
  });

  it('ends when it is aborted', async () => {
    const gpu = new SimulatedGpu({ times: () => 1 });
    const run = tuneShapes(tunables, { open: gpu.open, budget: 1e5, now: () => gpu.now, signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
    expect(gpu.asked).toEqual([]);
  });
});

describe('on an H200', () => {
  const config = readConfig(tensorsOf('released'));
  const plan = makePlan(network(config), outputsOf(tasksOf(config), false));
  const macs = (dispatches: readonly { launch: { macs: number } }[]) => dispatches.reduce((sum, { launch }) => sum + launch.macs, 0);
  /** Milliseconds of a dispatch, by the first node that it is for, as measured there. */
  const took = new Map(
    readFileSync(new URL('../../bench/results/h200-released-kernels.tsv', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t'))
      .map((cells) => [cells.at(-1), Number(cells[5]) / 1000]),
  );
  const timeOf = ({ dispatches }: Tunable) => took.get(dispatches[0]?.node) ?? Number.NaN;

  it('at most four candidates a shape, and shapes of 80 % of the multiply-adds in two seconds', async () => {
    const shapes = tunablesOf(plan);
    expect(Math.max(...shapes.map(({ candidates }) => candidates.length))).toBeLessThanOrEqual(4);
    const times = (name: string, tunable: Tunable) =>
      timeOf(tunable) * (1 + 0.1 * (tunable.candidates.findIndex((one) => one.name === name) % 3));
    const gpu = new SimulatedGpu({ times, noise: 0.05, compiling: 150, between: 8 });
    const report = await tuneShapes(shapes, { open: gpu.open, budget: 2000, now: () => gpu.now });
    expect(gpu.now).toBeLessThan(2010);
    const reached = shapes.filter((_, i) => report[i]?.measured === 'all').flatMap(({ dispatches }) => dispatches);
    expect(macs(reached) / plan.totals.macs).toBeGreaterThan(0.8);
  });
});
