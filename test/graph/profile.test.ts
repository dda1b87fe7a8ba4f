import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readConfig, tensorsOf } from '../../src/face/config.ts';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { groupsOf } from '../../src/graph/profile.ts';
import { measured, moreRepeats, timerOf } from '../../src/graph/timer.ts';
import { network } from '../../src/model/network.ts';
import { FakeDevice, Faults } from '../gpu/fake.ts';

describe('the dispatches of a frame', () => {
  const plan = makePlan(network(readConfig(tensorsOf('released'))), ['age', 'mask']);
  const groups = groupsOf(plan);

  it('are each in one group', () => {
    expect(groups.flat().sort((a, b) => a - b)).toEqual(plan.dispatches.map((_, i) => i));
  });

  it('share a kernel and a grid with their group, and are many fewer groups', () => {
    for (const group of groups) {
      const kinds = new Set(group.map((i) => `${plan.dispatches[i]?.kernel.name} ${plan.dispatches[i]?.launch.workgroups}`));
      expect(kinds.size).toBe(1);
    }
    expect(groups.length).toBeGreaterThanOrEqual(plan.totals.pipelines);
    expect(groups.length).toBeLessThan(plan.dispatches.length / 2);
  });
});

describe('repeats', () => {
  it('are enough when the pass lasts for 100 steps of the clock', () => {
    expect(moreRepeats(1, 30)).toBeUndefined();
    expect(moreRepeats(7, 6.6)).toBeUndefined();
    expect(moreRepeats(1, 6.5)).toBe(2);
    expect(moreRepeats(4, 1)).toBe(33);
    expect(moreRepeats(1, 0)).toBe(32);
  });

  it('come to an end for every dispatch, however short, and then last long enough', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1e-4, max: 100, noNaN: true }), async (milliseconds) => {
        const clock = (repeats: number) => Math.floor((repeats * milliseconds) / 0.065536) * 0.065536;
        const passes: number[] = [];
        const { repeats, milliseconds: told } = await measured(async (n) => clock(passes[passes.push(n) - 1] as number));
        expect(passes.length).toBeLessThan(11);
        expect(passes.slice(1)).toEqual(passes.slice(1).toSorted((a, b) => a - b));
        expect(repeats).toBe(passes.at(-1));
        expect(clock(repeats) >= 6.5 || repeats >= 2 ** 15).toBe(true);
        expect(told).toBe(clock(repeats) / repeats);
      }),
    );
  });

  it('are no more than half a second takes, by a clock that tells nothing', async () => {
    const passes: number[] = [];
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const told = await measured(async (n) => {
        passes.push(n);
        vi.advanceTimersByTime(8 * n);
        return 0;
      });
      expect(told).toEqual({ milliseconds: 8, repeats: 62 });
      expect(passes).toEqual([1, 32, 62]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('leave out the first pass, in which a driver may compile', async () => {
    let first = true;
    const pass = async (repeats: number) => {
      const compiling = first ? 1000 : 0;
      first = false;
      return repeats * 10 + compiling;
    };
    expect(await measured(pass)).toEqual({ milliseconds: 10, repeats: 1 });
  });

  it.each([
    { known: 1, takes: 1, passes: [8] },
    { known: 2, takes: 1, passes: [4] }, // half as long as it should be, and good enough
    { known: 10, takes: 1, passes: [1, 9] },
    { known: 1e-9, takes: 1e-3, passes: [2 ** 15] },
  ])('begin where an earlier measurement ended: %o', async ({ known, takes, passes }) => {
    const seen: number[] = [];
    const { milliseconds } = await measured(async (repeats) => takes * (seen[seen.push(repeats) - 1] as number), undefined, known);
    expect(milliseconds).toBeCloseTo(takes);
    expect(seen).toEqual(passes);
  });
});

describe('a GPU without a clock of its own', () => {
  const device = new FakeDevice(new Faults());
  const { queue } = device;
  afterEach(() => vi.useRealTimers());

  it('is timed by this machine, less what a submit of nothing takes', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let encoded = 0;
    const idle = [300, 300]; // and no more than 100 once it is awake
    queue.onSubmittedWorkDone = async () => {
      vi.advanceTimersByTime((idle.pop() ?? 100) + 8 * encoded);
      encoded = 0;
    };
    const timer = await timerOf(device as never);
    expect(await timer.measure(() => encoded++)).toEqual({ milliseconds: 8, repeats: 49 });
    const refused = timer.measure(() => device.error('made to fail'));
    await expect(refused).rejects.toMatchObject({
      code: 'GPU_ERROR',
      message: expect.stringMatching(/refused the measurement: made to fail/),
    });
  });

  it('is not waited for without an end', async () => {
    vi.useFakeTimers();
    const silent = () => new Promise<never>(() => {});
    for (const done of [
      silent,
      vi
        .fn(async () => {})
        .mockImplementationOnce(async () => {})
        .mockImplementationOnce(silent),
    ]) {
      queue.onSubmittedWorkDone = done;
      const failed = timerOf(device as never).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(PATIENCE.gpu + 1000);
      expect(await Promise.race([failed, 'nothing'])).toMatchObject({ code: 'GPU_ERROR' });
    }
  });
});
