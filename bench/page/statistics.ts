/** What a list of times says. */

export interface Summary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

/** The value that a share `q` of the sorted values is at or below, between neighbours by their distance (as NumPy's default). */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) throw new RangeError('no values');
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low] as number, sorted[Math.min(low + 1, sorted.length - 1)] as number];
  return a + (b - a) * (at - low);
}

/** Sums up what is typical of at least one value. */
export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(sorted, q)) as [number, number, number];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { p50, p95, p99, mean, least: sorted[0] as number, most: sorted.at(-1) as number };
}
