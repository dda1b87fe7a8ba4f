/**
 * Residual streams: the patches with which they begin, and linear layers on them. A norm rides on the product that reads it, with gamma and beta in that product's weights; a residual and the
 * statistics of its rows ride on the product that writes it.
 */
import type { Parameter, Tensor } from '../graph/graph.ts';
import { EMBED_CHANNELS } from '../kernels/embed.ts';
import { packWeight, paddedCols, streamStride, transposed } from '../kernels/matmul/role.ts';
import { timesVector } from './fold.ts';
import {
  firstOf,
  HEAD_SCALE,
  lookupOf,
  type Product,
  packed,
  product,
  productInShares,
  rowsOfStream,
  rowsOfTensor,
  type Shares,
  SWIN_EPS,
  sideOf,
  stored,
} from './layers.ts';
import type { Stream, Target } from './target.ts';
import type { Weights } from './weights.ts';

/**
 * The patches' stream of 128 channels: a 4x4 convolution of stride 4, and its norm.
 * @param resized a picture's bytes, red lowest: [images * side * side]
 * @param w both, the convolution as module 0
 * @param norm which module the norm is
 */
export function embedded(
  { graph, kernels, side }: Target,
  resized: Tensor,
  w: Weights,
  { norm: module, eps }: { norm: number; eps: number },
): Stream {
  const [conv, norm] = [w.at(0), w.at(module)];
  const channels = EMBED_CHANNELS;
  const name = conv.get('weight', [channels, 3, 4, 4]);
  const weight = graph.parameter(`${name} packed`, [name], 48 * channels, 'f32', (into, [source]) => transposed(source, channels, into));
  const n = stored(graph, 3 * channels, conv.get('bias', [channels]), norm.get('weight', [channels]), norm.get('bias', [channels]));
  const rows = graph.images * (side / 4) ** 2;
  const shape = { size: side, eps, images: graph.images };
  const tensor = graph.add(w.path, kernels.embed, shape, { x: resized, lookup: lookupOf(graph), w: weight, n }, [
    rows,
    streamStride(channels),
  ]);
  return { tensor, channels };
}

/** A map's tap in PyTorch's shape, [1, H, W, C]: its rows are ours, without what a stream carries behind them. */
export function tapMap(t: Target, name: string, { tensor, channels }: Stream): void {
  const side = sideOf(t, tensor);
  t.graph.tap(name, tensor, [1, side, side, channels], (values) => firstOf(values, channels, values.length / (side * side)));
}

/** gelu(linear(norm(x))), of four times the channels: [rows, 4 channels] */
export function normedLinear(t: Target, x: Stream, norm: Weights, w: Weights, eps?: number): Tensor {
  const layer = folded(t, { norm, w, cols: 4 * x.channels, inner: x.channels, eps });
  return product(t, `${norm.path} + ${lastTwo(w)}`, rowsOfStream(x), { ...layer, activation: 'gelu' });
}

/** Queries, keys and values of norm(x), [shares, rows, 3 channels], the queries of heads of 32 dimensions scaled by 32^-0.5: attention sums the shares. */
export function normedQkv(t: Target, x: Stream, norm: Weights, w: Weights): Shares {
  const { channels } = x;
  const fold: Fold = { norm, w, cols: 3 * channels, inner: channels, scaled: channels };
  return productInShares(t, `${norm.path} + ${lastTwo(w)}`, rowsOfStream(x), folded(t, fold));
}

/**
 * to + linear(x)
 * @param scale name of a tensor of factors, one for each of the layer's outputs, where it has one
 */
export function addedLinear(t: Target, x: Tensor, w: Weights, to: Stream, scale?: string): Stream {
  const cols = to.channels;
  const inner = x.shape.at(-1) as number;
  const weight = packed(t, w, cols, inner, scale);
  const from = [w.get('bias', [cols]), ...(scale === undefined ? [] : [scale])] as const;
  const bias = t.graph.parameter(from.join(' x '), from, cols, 'f32', (into, [own, factors]) => {
    for (let i = 0; i < cols; i++) into[i] = (own[i] as number) * (factors?.[i] ?? 1);
  });
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
  /** The norm's epsilon; Swin's unless told otherwise. */
  readonly eps?: number | undefined;
}

export const folded = (t: Target, fold: Fold): Product => ({
  weight: foldedWeight(t, fold),
  bias: foldedBias(t, fold),
  cols: fold.cols,
  norm: { eps: fold.eps ?? SWIN_EPS },
});

/** W', packed. */
function foldedWeight({ graph, dtype }: Target, { norm, w, cols, inner, scaled = 0 }: Fold): Parameter {
  const from = [w.get('weight', [cols, inner]), norm.get('weight', [inner])] as const;
  return graph.parameter(`${from.join(' x ')} packed`, from, paddedCols(cols) * inner, dtype, (into, [weight, gamma]) => {
    const factors = new Float64Array(gamma);
    const ofScaled = factors.map((factor) => factor * HEAD_SCALE);
    packWeight(weight, cols, inner, into, (n) => (n < scaled ? ofScaled : factors)); // in float64, and rounded once
  });
}

/** b', in float64. */
function foldedBias({ graph }: Target, { norm, w, cols, inner, bias = true, scaled = 0 }: Fold): Parameter {
  const from = [w.get('weight', [cols, inner]), norm.get('bias', [inner]), ...(bias ? [w.get('bias', [cols])] : [])] as const;
  return graph.parameter(`${w.path} bias + ${norm.path}`, from, cols, 'f32', (into, [weight, beta, own]) => {
    const sums = timesVector(weight, beta);
    for (const [n, sum] of sums.entries()) into[n] = (sum + (own?.[n] ?? 0)) * (n < scaled ? HEAD_SCALE : 1);
  });
}
