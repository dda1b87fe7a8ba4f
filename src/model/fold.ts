/** Products of weights with constants, in float64 and once, as weights are loaded. Several sums at a time: one alone waits for each addition. */

/** Multiply-adds between two pauses of `multiplied`: a millisecond of a desktop's core. */
const STEP = 1 << 20;

/** Where a product goes: the row's length, and the first of its columns. */
export interface Into {
  readonly values: Float32Array | Float64Array;
  readonly cols: number;
  readonly first: number;
}

/**
 * values[r, first + n] = sum_k a[r, k] b[n, k], whose rows are of `inner` numbers. Pauses about every millisecond: who iterates it may let
 * others work before it goes on.
 */
export function* multiplied(a: Float64Array, b: Float64Array, inner: number, into: Into): Generator<void> {
  const [rows, columns] = [a.length / inner, b.length / inner];
  let done = 0;
  for (let r = 0; r < rows; r += 4) {
    fourRows(a, b, inner, into, r);
    done += 4 * columns * inner;
    if (done < STEP) continue;
    done = 0;
    yield;
  }
}

/** `multiplied` without a pause, for products of a few rows. */
export function multiply(a: Float64Array, b: Float64Array, inner: number, into: Into): void {
  for (const _ of multiplied(a, b, inner, into));
}

/** Rows r to r + 3, two columns at a time. Past the last row or column the last is computed again, and again put where it belongs. */
function fourRows(a: Float64Array, b: Float64Array, inner: number, { values, cols, first }: Into, r: number): void {
  const [lastRow, lastColumn] = [a.length / inner - 1, b.length / inner - 1];
  const [r0, r1, r2, r3] = [r, Math.min(r + 1, lastRow), Math.min(r + 2, lastRow), Math.min(r + 3, lastRow)];
  const [x0, x1, x2, x3] = [r0 * inner, r1 * inner, r2 * inner, r3 * inner];
  for (let n = 0; n <= lastColumn; n += 2) {
    const m = Math.min(n + 1, lastColumn);
    const w0 = n * inner;
    const w1 = m * inner;
    let s00 = 0;
    let s01 = 0;
    let s10 = 0;
    let s11 = 0;
    let s20 = 0;
    let s21 = 0;
    let s30 = 0;
    let s31 = 0;
    for (let k = 0; k < inner; k++) {
      const u = b[w0 + k] as number;
      const v = b[w1 + k] as number;
      const p = a[x0 + k] as number;
      s00 += p * u;
      s01 += p * v;
      const q = a[x1 + k] as number;
      s10 += q * u;
      s11 += q * v;
      const s = a[x2 + k] as number;
      s20 += s * u;
      s21 += s * v;
      const t = a[x3 + k] as number;
      s30 += t * u;
      s31 += t * v;
    }
    values[r0 * cols + first + n] = s00;
    values[r0 * cols + first + m] = s01;
    values[r1 * cols + first + n] = s10;
    values[r1 * cols + first + m] = s11;
    values[r2 * cols + first + n] = s20;
    values[r2 * cols + first + m] = s21;
    values[r3 * cols + first + n] = s30;
    values[r3 * cols + first + m] = s31;
  }
}

/** sum_k weight[n, k] vector[k] for each n. */
export function timesVector(weight: Float32Array, vector: Float32Array): Float64Array {
  const inner = vector.length;
  const sums = new Float64Array(weight.length / inner);
  const wide = new Float64Array(vector);
  const last = sums.length - 1;
  for (let n = 0; n <= last; n += 4) {
    const [m1, m2, m3] = [Math.min(n + 1, last), Math.min(n + 2, last), Math.min(n + 3, last)];
    const [w0, w1, w2, w3] = [n * inner, m1 * inner, m2 * inner, m3 * inner];
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k < inner; k++) {
      const x = wide[k] as number;
      s0 += x * (weight[w0 + k] as number);
      s1 += x * (weight[w1 + k] as number);
      s2 += x * (weight[w2 + k] as number);
      s3 += x * (weight[w3 + k] as number);
    }
    sums[m3] = s3;
    sums[m2] = s2;
    sums[m1] = s1;
    sums[n] = s0;
  }
  return sums;
}
