/** A Swin block from its definition, in float64 and without any rearranging: a plain second opinion on small shapes. */

/** A tensor of the block by its name within it, row-major. */
type BlockWeights = (name: string) => Float64Array;

const WINDOW = 7;
const HEAD = 32;

/** Abramowitz and Stegun 7.1.5, the power series: exact to float64 for the arguments that occur here. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
    if (n > 200) break;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function layerNorm(x: Float64Array, gamma: Float64Array, beta: Float64Array): Float64Array {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  return x.map((v, c) => ((v - mean) / Math.sqrt(variance + 1e-5)) * (gamma[c] as number) + (beta[c] as number));
}

function linear(x: Float64Array, weight: Float64Array, bias: Float64Array): Float64Array {
  return bias.map((b, o) => x.reduce((sum, v, i) => sum + v * (weight[o * x.length + i] as number), b));
}

/**
 * x: rows of `size * size` pixels. Windows are laid on the picture itself, `shift` pixels in from its corner, and cut by its edges:
 * no roll and no mask, and so no way to share their mistakes.
 */
export function swinBlock(x: readonly Float64Array[], size: number, shift: number, w: BlockWeights): Float64Array[] {
  const channels = (x[0] as Float64Array).length;
  const window = (at: number) => Math.floor((at - shift + WINDOW) / WINDOW);
  const place = (i: number): [number, number] => [Math.floor(i / size), i % size];
  const qkv = x.map((row) => linear(layerNorm(row, w('norm1.weight'), w('norm1.bias')), w('attn.qkv.weight'), w('attn.qkv.bias')));
  const table = w('attn.relative_position_bias_table');
  const heads = channels / HEAD;
  return x.map((row, i) => {
    const [yi, xi] = place(i);
    const near = x.map((_, j) => j).filter((j) => window(place(j)[0]) === window(yi) && window(place(j)[1]) === window(xi));
    const mixed = new Float64Array(channels);
    for (let head = 0; head < heads; head++) {
      const part = (at: number, which: number) =>
        qkv[at]?.subarray(which * channels + head * HEAD, which * channels + (head + 1) * HEAD) as Float64Array;
      const scores = near.map((j) => {
        const [yj, xj] = place(j);
        const dot = part(i, 0).reduce((sum, v, c) => sum + v * (part(j, 1)[c] as number), 0);
        return dot / Math.sqrt(HEAD) + (table[((yi - yj + 6) * 13 + (xi - xj + 6)) * heads + head] as number);
      });
      const top = Math.max(...scores);
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      near.forEach((j, n) => {
        const share = Math.exp((scores[n] as number) - top) / total;
        part(j, 2).forEach((v, c) => {
          mixed[head * HEAD + c] = (mixed[head * HEAD + c] as number) + share * v;
        });
      });
    }
    const attended = linear(mixed, w('attn.proj.weight'), w('attn.proj.bias')).map((v, c) => v + (row[c] as number));
    const hidden = linear(layerNorm(attended, w('norm2.weight'), w('norm2.bias')), w('mlp.0.weight'), w('mlp.0.bias'));
    const active = hidden.map((v) => (v * (1 + erf(v / Math.SQRT2))) / 2);
    return linear(active, w('mlp.3.weight'), w('mlp.3.bias')).map((v, c) => v + (attended[c] as number));
  });
}
