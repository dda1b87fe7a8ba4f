import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensorsOf } from '../../src/checkpoint/manifest.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { groupsOf, moreRepeats } from '../../src/graph/profile.ts';
import { readConfig } from '../../src/model/forms.ts';
import { network } from '../../src/model/network.ts';

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

  it('come to an end for every dispatch, however short, and then last long enough', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 100, noNaN: true }), (milliseconds) => {
        let [repeats, passes] = [1, 1];
        const clock = () => Math.floor((repeats * milliseconds) / 0.065536) * 0.065536;
        for (let more = moreRepeats(repeats, clock()); more !== undefined; more = moreRepeats(repeats, clock())) {
          expect(more).toBeGreaterThan(repeats);
          [repeats, passes] = [more, passes + 1];
        }
        expect(passes).toBeLessThan(10);
        expect(clock() >= 6.5 || repeats >= 2 ** 15).toBe(true);
      }),
    );
  });
});
