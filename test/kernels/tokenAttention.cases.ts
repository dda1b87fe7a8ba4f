import { tokenAttention } from '../../src/kernels/tokenAttention.ts';
import { headsAttention, rowsOf } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

function tokenCase(name: string, tokens: number, heads: number, scale = 1): KernelCase {
  const width = 32 * heads;
  return {
    name: `${name}: ${tokens} tokens, ${heads} heads`,
    bound: FLOAT32,
    async run(device) {
      const x = randomValues(tokens * 3 * width, 1).map((v) => scale * v);
      const y = await runKernel(device, tokenAttention, { tokens, heads }, { x }, tokens * width);
      const [q, k, v] = [0, 1, 2].map((part) => rowsOf(x, width, 3 * width, part * width)) as [
        Float64Array[],
        Float64Array[],
        Float64Array[],
      ];
      return { actual: new Float32Array(y), expected: headsAttention(heads, q, k, v) };
    },
  };
}

export const cases: KernelCase[] = [
  tokenCase('released form', 18, 8),
  tokenCase('paper form', 95, 8),
  tokenCase('one token', 1, 8),
  tokenCase('a tail', 7, 3),
  tokenCase('scores of hundreds', 18, 8, 15),
];
