/** Products of weights with constants against sums one by one. */
import { expect, it } from 'vitest';
import { packWeight, TILE_COLS } from '../../src/kernels/matmul/role.ts';
import { multiplied, multiply, timesVector } from '../../src/model/fold.ts';
import { linear } from '../kernels/float64.ts';
import { randomValues } from '../kernels/run.ts';

const wide = (length: number, seed: number) => new Float64Array(randomValues(length, seed));

it.each([
  [1, 1, 1],
  [4, 2, 256],
  [5, 3, 7],
  [18, 128, 256],
])('%i rows by %i columns of %i', (rows, columns, inner) => {
  const [a, b] = [wide(rows * inner, 1), wide(columns * inner, 2)];
  const cols = columns + 3;
  const values = new Float64Array(rows * cols).fill(7);
  multiply(a, b, inner, { values, cols, first: 2 });
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) {
      const n = c - 2;
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (a[r * inner + k] as number) * (b[n * inner + k] as number);
      expect(values[r * cols + c]).toBe(n >= 0 && n < columns ? sum : 7);
    }
});

it('pauses again and again while it works', () => {
  const [a, b] = [new Float64Array(3136 * 256), new Float64Array(64 * 256)];
  const pauses = [...multiplied(a, b, 256, { values: new Float32Array(3136 * 64), cols: 64, first: 0 })].length;
  expect(pauses).toBeGreaterThan(40);
});

it.each([1, 3, 4, 10])('%i rows times a vector', (rows) => {
  const [weight, vector] = [randomValues(rows * 33, 3), randomValues(33, 4)];
  expect([...timesVector(weight, vector)]).toEqual([...linear(vector, weight, new Float32Array(rows))]);
});

it.each([4, 62, 68, 70, 130])('packs %i columns, each input times its factor', (cols) => {
  const inner = 5;
  const weight = randomValues(cols * inner, 5);
  const factors = [wide(inner, 6), wide(inner, 7)] as const;
  const packed = packWeight(weight, cols, inner, undefined, (n) => factors[n < 64 ? 0 : 1]);
  for (let n = 0; n < Math.ceil(cols / TILE_COLS) * TILE_COLS; n++)
    for (let k = 0; k < inner; k++) {
      const factor = factors[n < 64 ? 0 : 1][k] as number;
      const expected = n < cols ? Math.fround((weight[n * inner + k] as number) * factor) : 0;
      expect(packed[(Math.floor(n / TILE_COLS) * inner + k) * TILE_COLS + (n % TILE_COLS)]).toBe(expected);
    }
});
