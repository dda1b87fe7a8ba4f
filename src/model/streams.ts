/**
 * Linear layers on residual streams. A norm rides on the product that reads it, with gamma and beta in that product's weights; a residual and the
 * statistics of its rows ride on the product that writes it.
 */
import type { Parameter, Tensor } from '../graph/graph.ts';
import { packWeight, paddedCols } from '../kernels/matmul/role.ts';
import { timesVector } from './fold.ts';
import { HEAD_SCALE, type Product, packed, product, rowsOfStream, rowsOfTensor, SWIN_EPS, stored } from './layers.ts';
import type { Stream, Target } from './target.ts';
import type { Weights } from './weights.ts';

export interface NormedLayer {
  readonly cols: number;
  readonly activation?: 'gelu';
  /** How many columns, from the first on, are queries of heads of 32 dimensions, which are scaled by 32^-0.5. */
  readonly queries?: number;
}

/** act(linear(norm(x))): [rows, cols] */
export function normedLinear(t: Target, x: Stream, norm: Weights, w: Weights, { cols, activation, queries = 0 }: NormedLayer): Tensor {
  const fold: Fold = { norm, w, cols, inner: x.channels, scaled: queries };
  return product(t, `${norm.path} + ${lastTwo(w)}`, rowsOfStream(x), { ...folded(t, fold), activation });
}

/** to + linear(x) */
export function addedLinear(t: Target, x: Tensor, w: Weights, to: Stream): Stream {
  const cols = to.channels;
  const bias = stored(t.graph, cols, w.get('bias', [cols]));
  const weight = packed(t, w, cols, x.shape.at(-1) as number);
  const residual = rowsOfStream(to);
  const tensor = product(t, w.path, rowsOfTensor(x), { weight, bias, cols, residual, stream: true, dtype: 'f32' });
  return { tensor, channels: cols };
}

/** `attn.qkv` of `backbone.0.1.0.attn.qkv`. */
const lastTwo = ({ path }: Weights): string => path.split('.').slice(-2).join('.');

/** A linear layer after a norm, whose gamma and beta become its weight and bias: W' = W diag(gamma), b' = b + W beta. */
export interface Fold {
  readonly norm: Weights;
  readonly w: Weights;
  readonly cols: number;
  readonly inner: number;
  /** False for a layer without bias. */
  readonly bias?: boolean;
  /** Columns that are scaled by 32^-0.5, from the first on. */
  readonly scaled?: number;
}

export const folded = (t: Target, fold: Fold): Product => ({
  weight: foldedWeight(t, fold),
  bias: foldedBias(t, fold),
  cols: fold.cols,
  norm: { eps: SWIN_EPS },
});

/** W', packed. */
function foldedWeight({ graph, dtype }: Target, { norm, w, cols, inner, scaled = 0 }: Fold): Parameter {
  const from = [w.get('weight', [cols, inner]), norm.get('weight', [inner])];
  const fill: Parameter['fill'] = (into, [weight, gamma]) => {
    const factors = new Float64Array(gamma as Float32Array);
    const ofScaled = factors.map((factor) => factor * HEAD_SCALE);
    packWeight(weight as Float32Array, cols, inner, into, (n) => (n < scaled ? ofScaled : factors)); // in float64, and rounded once
  };
  return graph.parameter(`${from.join(' x ')} packed`, from, paddedCols(cols) * inner, fill, dtype);
}

/** b', in float64. */
function foldedBias({ graph }: Target, { norm, w, cols, inner, bias = true, scaled = 0 }: Fold): Parameter {
  const from = [w.get('weight', [cols, inner]), norm.get('bias', [inner]), ...(bias ? [w.get('bias', [cols])] : [])];
  return graph.parameter(`${w.path} bias + ${norm.path}`, from, cols, (into, [weight, beta, own]) => {
    const sums = timesVector(weight as Float32Array, beta as Float32Array);
    for (const [n, sum] of sums.entries()) into[n] = (sum + (own?.[n] ?? 0)) * (n < scaled ? HEAD_SCALE : 1);
  });
}
