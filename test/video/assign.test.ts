/** The assignment against every other that there could be. */
import { expect, it } from 'vitest';
import { assign } from '../../src/video/assign.ts';
import { random } from './scene.ts';

/** The least sum, by trying all. */
function least(costs: readonly number[][], alone: number, row = 0, used = 0): number {
  if (row === costs.length) return 0;
  let best = alone + least(costs, alone, row + 1, used);
  (costs[row] ?? []).forEach((cost, column) => {
    if (!(used & (1 << column))) best = Math.min(best, cost + least(costs, alone, row + 1, used | (1 << column)));
  });
  return best;
}

it('costs as little as the best of all assignments', () => {
  const uniform = random(7);
  for (let round = 0; round < 400; round++) {
    const [rows, columns] = [Math.floor(uniform() * 6), Math.floor(uniform() * 6)];
    const costs = Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => (uniform() < 0.2 ? Number.POSITIVE_INFINITY : 3 * uniform())),
    );
    const pairs = assign(costs, 2);
    expect(pairs).toHaveLength(rows);
    const taken = pairs.filter((column) => column !== undefined);
    expect(new Set(taken).size).toBe(taken.length);
    const sum = pairs.reduce((total: number, column, row) => total + (column === undefined ? 2 : (costs[row]?.[column] as number)), 0);
    expect(sum).toBeCloseTo(least(costs, 2), 9);
  }
});

it('leaves alone what is out of reach', () => {
  expect(assign([[Number.POSITIVE_INFINITY], [1]], 2)).toEqual([undefined, 0]);
  expect(assign([[5]], 2)).toEqual([undefined]);
  expect(assign([[2]], 2)).toEqual([undefined]);
  expect(assign([], 2)).toEqual([]);
  expect(assign([[], []], 2)).toEqual([undefined, undefined]);
});
