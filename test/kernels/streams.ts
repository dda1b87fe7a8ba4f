/** Streams in float64: rows that carry, behind their channels, (mean, M2, 0, 0) of each 64 of them. */
import { rowsOf } from './float64.ts';

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Sum of squared differences from the mean. */
export function squares(values: Float64Array): number {
  const m = mean(values);
  return values.reduce((sum, v) => sum + (v - m) ** 2, 0);
}

export function streamOf(values: ArrayLike<number>, channels: number): Float32Array {
  const rows = rowsOf(values, channels).map((row) => {
    const tiles = rowsOf(row, 64).flatMap((tile) => [mean(tile), squares(tile), 0, 0]);
    return [...row, ...tiles];
  });
  return Float32Array.from(rows.flat());
}

/** (x - mean) / sqrt(var + eps) of each row. */
export function normalised(values: ArrayLike<number>, channels: number, eps: number): Float64Array {
  return Float64Array.from(
    rowsOf(values, channels).flatMap((row) => {
      const [m, deviation] = [mean(row), Math.sqrt(squares(row) / channels + eps)];
      return [...row].map((v) => (v - m) / deviation);
    }),
  );
}

/** torch.nn.LayerNorm of each row. */
export function layerNorm(values: ArrayLike<number>, gamma: ArrayLike<number>, beta: ArrayLike<number>, eps: number): Float64Array {
  const channels = gamma.length;
  return normalised(values, channels, eps).map((v, i) => v * (gamma[i % channels] as number) + (beta[i % channels] as number));
}
