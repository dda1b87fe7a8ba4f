import { mlpHead, packMlp } from '../../src/kernels/mlpHead.ts';
import { linear, relu } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

/** Tokens `first` to `first + tokens` of `all`, through three layers of 256, 256 and `out`. */
function headCase(name: string, { first, tokens, out, all }: { first: number; tokens: number; out: number; all: number }): KernelCase {
  return {
    name: `${name}: ${tokens} of ${all} tokens from ${first}, ${out} outputs`,
    bound: FLOAT32,
    async run(device) {
      const x = randomValues(all * 256, 1);
      const layers = [256, 256, out].map((rows, i) => ({
        weight: randomValues(rows * 256, 2 * i + 2).map((v) => v / 8),
        bias: randomValues(rows, 2 * i + 3),
      }));
      const y = await runKernel(device, mlpHead, { first, tokens, out }, { x, w: packMlp(layers) }, tokens * out);
      let value: ArrayLike<number> = x.subarray(first * 256, (first + tokens) * 256);
      for (const [i, { weight, bias }] of layers.entries()) {
        const sums: Float64Array = linear(value, weight, bias);
        value = i < 2 ? sums.map(relu) : sums;
      }
      return { actual: new Float32Array(y), expected: value };
    },
  };
}

export const cases: KernelCase[] = [
  headCase('gender', { first: 5, tokens: 1, out: 2, all: 18 }),
  headCase('head pose', { first: 1, tokens: 1, out: 3, all: 18 }),
  headCase('visibility', { first: 3, tokens: 1, out: 29, all: 18 }),
  headCase('landmarks', { first: 0, tokens: 1, out: 136, all: 18 }),
  headCase('segmentation', { first: 7, tokens: 11, out: 32, all: 18 }),
  headCase('recognition', { first: 83, tokens: 1, out: 512, all: 95 }),
  headCase('one number a token', { first: 68, tokens: 9, out: 1, all: 95 }),
  headCase('a second round in part', { first: 0, tokens: 2, out: 300, all: 2 }),
];
