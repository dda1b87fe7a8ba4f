/** The formulas of the kernels' twins, in float64: written from the model, and as plainly as they can be. */
import type { MatmulShape } from '../../src/kernels/matmul/role.ts';

/** erfc(x) for x >= 0 to 1e-15: a series without cancellation of erf below 1.5, a continued fraction above. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x > 1.5) {
    let fraction = x;
    for (let n = 150; n > 0; n--) fraction = x + n / 2 / fraction;
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** torch.nn.GELU(), the exact form: x Phi(x). */
export const gelu = (x: number): number => 0.5 * x * erfc(-x / Math.SQRT2);

export const relu = (x: number): number => Math.max(x, 0);

/** torch.nn.Hardswish() */
export const hardSwish = (x: number): number => (x * Math.min(Math.max(x + 3, 0), 6)) / 6;

const ACTIVATIONS = { none: (x: number): number => x, gelu, relu, hardSwish };

/** What a product or convolution makes of a sum: the activation, and what is added; ReLU may come last. */
export const finished = (activation: MatmulShape['activation'], sum: number, added = 0): number =>
  activation === 'reluLast' ? relu(sum + added) : ACTIVATIONS[activation ?? 'none'](sum) + added;

/** torch.nn.Linear: x [rows, inner], weight [cols, inner], bias [cols]. */
export function linear(x: ArrayLike<number>, weight: ArrayLike<number>, bias: ArrayLike<number>): Float64Array {
  const cols = bias.length;
  const inner = weight.length / cols;
  const [wide, wideWeight] = [Float64Array.from(x), Float64Array.from(weight)];
  return Float64Array.from({ length: (x.length / inner) * cols }, (_, i) => {
    const row = Math.floor(i / cols);
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += (wide[row * inner + k] as number) * (wideWeight[(i % cols) * inner + k] as number);
    return sum + (bias[i % cols] as number);
  });
}

export function softmax(scores: readonly number[]): number[] {
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((s) => Math.exp(s - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/** `rows` rows of `width` values, in a tensor of that row stride, from that column on; each as an array of its own. */
export function rowsOf(values: ArrayLike<number>, width: number, stride = width, first = 0): Float64Array[] {
  const wide = Float64Array.from(values);
  return Array.from({ length: wide.length / stride }, (_, r) => wide.slice(r * stride + first, r * stride + first + width));
}

/** softmax(q k^T / sqrt(dims) + added) v for one head; q [queries][dims], k and v [keys][dims]. */
export function attention(
  q: readonly Float64Array[],
  k: readonly Float64Array[],
  v: readonly Float64Array[],
  added: (query: number, key: number) => number = () => 0,
): Float64Array[] {
  return q.map((query, i) => {
    const weights = softmax(k.map((key, j) => dot(query, key) / Math.sqrt(query.length) + added(i, j)));
    const sum = new Float64Array(query.length);
    for (const [j, weight] of weights.entries()) for (let d = 0; d < sum.length; d++) (sum[d] as number) += weight * (v[j]?.[d] as number);
    return sum;
  });
}

/** Attention of several heads, whose dimensions lie side by side in each row: [queries, heads * dims]. */
export function headsAttention(
  heads: number,
  q: readonly Float64Array[],
  k: readonly Float64Array[],
  v: readonly Float64Array[],
): Float64Array {
  const dims = (q[0] as Float64Array).length / heads;
  const y = new Float64Array(q.length * heads * dims);
  for (let h = 0; h < heads; h++) {
    const [hq, hk, hv] = [q, k, v].map((rows) => rows.map((row) => row.subarray(h * dims, (h + 1) * dims))) as [
      Float64Array[],
      Float64Array[],
      Float64Array[],
    ];
    for (const [i, row] of attention(hq, hk, hv).entries()) y.set(row, (i * heads + h) * dims);
  }
  return y;
}

/** Row of a pixel after `times` 2x2 upscalings that put each pixel's four side by side, of a map that was `side` wide. */
export function nestedRow(side: number, y: number, x: number, times: number): number {
  return times === 0 ? y * side + x : 4 * nestedRow(side, y >> 1, x >> 1, times - 1) + 2 * (y & 1) + (x & 1);
}
