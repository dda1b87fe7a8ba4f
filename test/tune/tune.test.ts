import { describe, expect, it } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { choicesOf, type Trial, type Tunable, tuneShapes } from '../../src/tune/tune.ts';

/** Shapes a, b, c of candidates table, quick and quicker; a clock that only measurements move. */
function lab({ times = { table: 10, quick: 8, quicker: 5 } as Record<string, number>, errors = {} as Record<string, number> } = {}) {
  let clock = 0;
  const asked: string[] = [];
  const tunables = ['a', 'b', 'c'].map((label) => {
    return { label, candidates: Object.keys(times).map((name) => ({ name })), dispatches: [{ node: label }] } as unknown as Tunable;
  });
  let closed = 0;
  const open = async ({ label }: Tunable): Promise<Trial> => ({
    bound: 1e-10,
    close: () => closed++,
    async time({ name }) {
      asked.push(`${label} ${name}`);
      clock += 10;
      const time = times[name] as number;
      if (Number.isNaN(time)) throw new FaceXFormerError('GPU_ERROR', `${name} does not compile`);
      return time;
    },
    error: async ({ name }) => errors[name] ?? 1e-14,
  });
  const tune = (budget = 1e4, more = {}) => tuneShapes(tunables, { open, budget, now: () => clock, ...more });
  return { tune, asked, closed: () => closed };
}

describe('tuning', () => {
  it('takes the fastest, and says how much faster it is', async () => {
    const [shape] = await lab().tune();
    expect(shape).toEqual({
      nodes: ['a'],
      shape: 'a',
      tried: [
        { name: 'table', milliseconds: 10 },
        { name: 'quick', milliseconds: 8 },
        { name: 'quicker', milliseconds: 5 },
      ],
      chosen: 'quicker',
      default: 'table',
      speedup: 2,
      checked: 1e-14,
      measured: 'all',
      note: '',
    });
  });

  it('keeps the table where nothing is clearly faster', async () => {
    const [shape] = await lab({ times: { table: 10, quick: 9.9 } }).tune();
    expect(shape).toMatchObject({ chosen: 'table', speedup: 1, measured: 'all' });
  });

  it.each([1e-9, Number.NaN, Number.POSITIVE_INFINITY])('takes the next one where the fastest is off by %s, and says so', async (error) => {
    const [shape] = await lab({ errors: { quicker: error } }).tune();
    expect(shape).toMatchObject({ chosen: 'quick', speedup: 1.25, note: expect.stringContaining('quicker computes something else') });
  });

  it('keeps the table where all others compute something else', async () => {
    const [shape] = await lab({ errors: { quicker: 1, quick: 1 } }).tune();
    expect(shape).toMatchObject({ chosen: 'table', speedup: 1, note: expect.stringContaining('quick computes something else') });
  });

  it('goes on without a candidate that does not compile, but not without the table', async () => {
    const [shape] = await lab({ times: { table: 10, quick: Number.NaN, quicker: 5 } }).tune();
    expect(shape).toMatchObject({ chosen: 'quicker', note: expect.stringContaining('quick was refused') });
    const broken = lab({ times: { table: Number.NaN, quick: 5 } });
    await expect(broken.tune()).rejects.toMatchObject({ code: 'GPU_ERROR' });
    expect(broken.closed()).toBe(1);
  });

  it('begins nothing when the budget is spent, and chooses from what it has measured', async () => {
    const { tune, asked, closed } = lab();
    const shapes = await tune(70); // five measurements a shape, of 10 ms
    expect(asked).toEqual(['a table', 'a quick', 'a quicker', 'a table', 'a quicker', 'b table', 'b quick', 'b table', 'b quick']);
    expect(shapes.map(({ measured, chosen }) => [measured, chosen])).toEqual([
      ['all', 'quicker'],
      ['some', 'quick'],
      ['none', 'table'],
    ]);
    expect(closed()).toBe(2);
    expect(choicesOf(shapes)).toEqual({ a: 'quicker', b: 'quick' });
  });

  it('measures nothing that is known, and everything whose name no candidate has', async () => {
    const { tune, asked } = lab();
    const shapes = await tune(1e4, { known: { a: 'quick', b: 'gone', c: 'table' } });
    expect(new Set(asked.map((one) => one[0]))).toEqual(new Set(['b']));
    expect(shapes.map(({ measured, chosen }) => [measured, chosen])).toEqual([
      ['before', 'quick'],
      ['all', 'quicker'],
      ['before', 'table'],
    ]);
  });

  it('ends when it is aborted', async () => {
    const { tune, asked } = lab();
    await expect(tune(1e4, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(asked).toEqual([]);
  });
});
