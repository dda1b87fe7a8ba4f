/**
 * What the decoder's first layer does before it meets the picture: its self-attention has the task tokens themselves as queries, keys
 * and values, without position encoding and residual; then come norm1 and the queries to the face. All of it is a constant of the weights, made
 * once in float64.
 */
import type { Parameter } from '../graph/graph.ts';
import { weighed } from '../kernels/answer.ts';
import { multiply } from './fold.ts';
import { HEAD_SCALE, SWIN_EPS } from './layers.ts';
import type { PositionEncoding } from './position-encoding.ts';
import { HEADS, INNER, WIDTH } from './sizes.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

const LAYERS = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj', 'self_attn.out_proj'];
const QUERY = 'cross_attn_token_to_image.q_proj';

/** The tokens after norm1, [tokens, 256], and their queries to the face, [tokens, 128]. `w`: the first decoder layer. */
export function firstTokens({ graph }: Target, encoding: PositionEncoding, w: Weights): { tokens: Parameter; queries: Parameter } {
  const namesOf = (layer: string, cols: number) => [w.at(layer).get('weight', [cols, WIDTH]), w.at(layer).get('bias', [cols])];
  const norm = w.at('norm1');
  const names = [...LAYERS.flatMap((layer) => namesOf(layer, WIDTH)), norm.get('weight', [WIDTH]), norm.get('bias', [WIDTH])];
  const from = [...encoding.from, ...names];
  const tokensFrom = (sources: readonly Float32Array[]) => normedTokens(encoding.make(sources), sources.slice(encoding.from.length));
  const tokens = graph.parameter(`${encoding.name} after ${w.path}.norm1`, from, encoding.rows * WIDTH, 'f32', (into, sources) =>
    into.set(tokensFrom(sources)),
  );
  const name = `queries of ${encoding.name} after ${w.path}.norm1`;
  const queries = graph.parameter(name, [...from, ...namesOf(QUERY, INNER)], encoding.rows * INNER, 'f32', (into, sources) => {
    const rows = encoding.make(sources);
    const encoded = tokensFrom(sources).map((value, i) => value + (rows[i] as number));
    into.set(times(encoded, sources[from.length] as Float32Array, sources[from.length + 1] as Float32Array));
  });
  return { tokens, queries };
}

/** norm1(out_proj(attention)) of the rows. */
function normedTokens(rows: Float64Array, layers: readonly Float32Array[]): Float64Array {
  const layer = (i: number) => [layers[2 * i], layers[2 * i + 1]] as [Float32Array, Float32Array];
  const [q, k, v] = [0, 1, 2].map((i) => times(rows, ...layer(i))) as [Float64Array, Float64Array, Float64Array];
  return normed(times(attended(q, k, v), ...layer(3)), ...layer(4));
}

/** torch.nn.Linear of rows of 256. */
function times(rows: Float64Array, weight: Float32Array, bias: Float32Array): Float64Array {
  const cols = bias.length;
  const out = new Float64Array((rows.length / WIDTH) * cols);
  multiply(rows, new Float64Array(weight), WIDTH, { values: out, cols, first: 0 });
  return out.map((sum, i) => sum + (bias[i % cols] as number));
}

/** softmax(q k^T / sqrt(32)) v, heads side by side. */
function attended(q: Float64Array, k: Float64Array, v: Float64Array): Float64Array {
  const tokens = q.length / WIDTH;
  const dims = WIDTH / HEADS;
  const out = new Float64Array(q.length);
  for (let h = 0; h < HEADS; h++)
    for (let i = 0; i < tokens; i++) {
      const scores = Array.from({ length: tokens }, (_, j) => {
        let sum = 0;
        for (let d = h * dims; d < (h + 1) * dims; d++) sum += (q[i * WIDTH + d] as number) * (k[j * WIDTH + d] as number);
        return sum * HEAD_SCALE;
      });
      const { total, shares } = weighed(scores);
      for (const [j, share] of shares.entries())
        for (let d = h * dims; d < (h + 1) * dims; d++) (out[i * WIDTH + d] as number) += (share / total) * (v[j * WIDTH + d] as number);
    }
  return out;
}

/** torch.nn.LayerNorm of rows of 256. */
function normed(rows: Float64Array, gamma: Float32Array, beta: Float32Array): Float64Array {
  const out = new Float64Array(rows.length);
  for (let r = 0; r < rows.length; r += WIDTH) {
    const row = rows.subarray(r, r + WIDTH);
    const mean = row.reduce((a, b) => a + b) / WIDTH;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / WIDTH;
    for (let i = 0; i < WIDTH; i++)
      out[r + i] = (((row[i] as number) - mean) / Math.sqrt(variance + SWIN_EPS)) * (gamma[i] as number) + (beta[i] as number);
  }
  return out;
}
