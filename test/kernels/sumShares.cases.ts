import type { Dtype } from '../../src/kernels/kernel.ts';
import type { MatmulShape } from '../../src/kernels/matmul/role.ts';
import { sumShares } from '../../src/kernels/matmul/sumShares.ts';
import { finished } from './float64.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernelTwice } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';
import { streamOf } from './streams.ts';

/** act(the sum of the shares + b) + r, and the same bits when it is made again. */
function sharesCase(shape: MatmulShape & { shares: number }, dtype: Dtype = 'f32'): KernelCase {
  const { rows, cols, shares, activation = 'none', residualRows, stream = false } = shape;
  const type = stream ? 'f32' : dtype;
  const riding = [
    activation,
    residualRows !== undefined && `${residualRows} rows added`,
    stream && 'to a stream',
    type === 'f16' && 'float16',
  ];
  return {
    name: `${shares} shares of ${rows} x ${cols}: ${riding.filter((one) => one && one !== 'none').join(', ')}`,
    bound: type === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(type),
    async run(device) {
      const x = randomValues(shares * rows * cols, 1);
      const b = randomValues(cols, 2);
      const r = randomValues((residualRows ?? 1) * cols, 3);
      const all = { ...shape, dtypes: { added: type, output: type } };
      const length = rows * (stream ? cols + cols / 16 : cols);
      const inputs = { x, b, r: stream ? streamOf(r, cols) : stored(r, type) };
      const y = await runKernelTwice(device, sumShares, all, inputs, length, type);
      const added = residualRows === undefined ? undefined : rounded(r, type);
      const expected = Float64Array.from({ length: rows * cols }, (_, i) => {
        let sum = b[i % cols] as number;
        for (let s = 0; s < shares; s++) sum += x[s * rows * cols + i] as number;
        return finished(activation, sum, added?.[i % added.length]);
      });
      return { actual: numbersOf(y, type), expected: stream ? streamOf(expected, cols) : expected };
    },
  };
}

const inner = 512;

export const cases = [
  sharesCase({ rows: 196, inner, cols: 128, shares: 16, residualRows: 196, stream: true }),
  sharesCase({ rows: 49, inner, cols: 192, shares: 4, activation: 'gelu' }),
  sharesCase({ rows: 18, inner, cols: 64, shares: 8, activation: 'relu', residualRows: 18 }),
  sharesCase({ rows: 9, inner, cols: 68, shares: 32, residualRows: 3 }),
  sharesCase({ rows: 49, inner, cols: 160, shares: 2, activation: 'hardSwish' }),
  sharesCase({ rows: 98, inner, cols: 256, shares: 4, activation: 'reluLast', residualRows: 98 }),
  sharesCase({ rows: 1, inner, cols: 4, shares: 2 }),
  sharesCase({ rows: 49, inner, cols: 64, shares: 8, activation: 'gelu' }, 'f16'),
];
