import { taskToFaceMerge } from '../../src/kernels/taskToFaceMerge.ts';
import { rowsOf } from './float64.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

/** sum_i exp(m_i) a_i / sum_i exp(m_i) l_i of each query and head, whose shares are rows of a (16), m, l and two more. */
function merged(x: Float32Array, queries: number, shares: number): number[] {
  return rowsOf(x, shares * 20)
    .flatMap((all) => {
      const parts = rowsOf(all, 20);
      const highest = Math.max(...parts.map((part) => part[16] as number));
      const sum = (at: number): number =>
        parts.reduce((total, part) => total + Math.exp((part[16] as number) - highest) * (part[at] as number), 0);
      return Array.from({ length: 16 }, (_, d) => sum(d) / sum(17));
    })
    .slice(0, queries * 16);
}

function mergeCase(name: string, tokens: number, heads: number, shares: number, spread: number): KernelCase {
  return {
    name: `${name}: ${tokens} tokens, ${heads} heads, ${shares} shares`,
    bound: { nmse: 1e-12 },
    async run(device) {
      const x = randomValues(tokens * heads * shares * 20, 1);
      for (let i = 0; i < x.length; i += 20) {
        x[i + 16] = spread * (x[i + 16] as number);
        x[i + 17] = 1 + Math.abs(x[i + 17] as number);
        // A share that had no keys, but never every one.
        if (i % 60 === 20 && shares > 2) x.fill(0, i, i + 20).set([-3e38], i + 16);
      }
      const y = await runKernel(device, taskToFaceMerge, { tokens, heads, shares }, { x }, tokens * heads * 16);
      return { actual: new Float32Array(y), expected: merged(x, tokens * heads, shares) };
    },
  };
}

export const cases: KernelCase[] = [
  mergeCase('released form', 18, 8, 147, 5),
  mergeCase('paper form', 95, 8, 49, 5),
  mergeCase('one share', 18, 8, 1, 5),
  mergeCase('one token', 1, 1, 3, 5),
  mergeCase('maxima of hundreds', 5, 3, 7, 300),
];
