/**
 * The fused lowering, for GPUs: five dispatches a Swin block. Norms ride on the products that read them, with gamma and beta in those
 * products' weights; residuals and statistics ride on the products that write them.
 */
import type { Parameter, Tensor } from '../../graph/graph.ts';
import { EMBED_CHANNELS } from '../../kernels/embed.ts';
import { packWeight, paddedCols, streamStride, transposed } from '../../kernels/matmul/role.ts';
import { type GpuKernels, ROLES } from '../../kernels/roles.ts';
import { timesVector } from '../fold.ts';
import { HEAD_SCALE, lookupOf, packed, product, rowsOf, rowsOfStream, rowsOfTensor, SWIN_EPS, sideOf, stored } from '../layers.ts';
import type { Lowering, NormedLayer } from '../lowering.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';
import { decode } from './decoder.ts';

export function fused(kernels: GpuKernels = ROLES.desktop): Lowering {
  return {
    kernels,
    mostImages: 8,
    embed: (t, resized, w) => embed(t, kernels, resized, w),
    normedLinear,
    addedLinear,
    mergePatches,
    decode: (t, ...rest) => decode({ ...t, kernels }, ...rest),
  };
}

function embed({ graph, side }: Target, kernels: GpuKernels, resized: Tensor, w: Weights): Stream {
  const [conv, norm] = [w.at(0), w.at(2)];
  const channels = EMBED_CHANNELS;
  const name = conv.get('weight', [channels, 3, 4, 4]);
  const weight = graph.parameter(`${name} packed`, [name], 48 * channels, (into, [source]) =>
    transposed(source as Float32Array, channels, into),
  );
  const n = stored(graph, 3 * channels, conv.get('bias', [channels]), norm.get('weight', [channels]), norm.get('bias', [channels]));
  const rows = graph.images * (side / 4) ** 2;
  const shape = { size: side, eps: SWIN_EPS, images: graph.images };
  const tensor = graph.add(w.path, kernels.embed, shape, { x: resized, lookup: lookupOf(graph), w: weight, n }, [
    rows,
    streamStride(channels),
  ]);
  return { tensor, channels };
}

function normedLinear(t: Target, x: Stream, norm: Weights, w: Weights, { cols, activation, queries = 0 }: NormedLayer): Tensor {
  const fold: Fold = { norm, w, cols, inner: x.channels, scaled: queries };
  return product(t, `${norm.path} + ${lastTwo(w)}`, rowsOfStream(x), { ...folded(t, fold), activation });
}

function addedLinear(t: Target, x: Tensor, w: Weights, to: Stream): Stream {
  const cols = to.channels;
  const bias = stored(t.graph, cols, w.get('bias', [cols]));
  const weight = packed(t, w, cols, x.shape.at(-1) as number);
  const residual = rowsOfStream(to);
  const tensor = product(t, w.path, rowsOfTensor(x), { weight, bias, cols, residual, stream: true, dtype: 'f32' });
  return { tensor, channels: cols };
}

function mergePatches(t: Target, x: Stream, w: Weights): Stream {
  const [norm, reduction] = [w.at('norm'), w.at('reduction')];
  const cols = 2 * x.channels;
  const fold: Fold = { norm, w: reduction, cols, inner: 4 * x.channels, bias: false };
  const merge = { mergeSide: sideOf(t, x.tensor), rows: rowsOf(x.tensor.shape) / 4, stream: true, dtype: 'f32' } as const;
  return { tensor: product(t, w.path, rowsOfStream(x), { ...folded(t, fold), ...merge }), channels: cols };
}

/** `attn.qkv` of `backbone.0.1.0.attn.qkv`. */
const lastTwo = ({ path }: Weights): string => path.split('.').slice(-2).join('.');

/** A linear layer after a norm, whose gamma and beta become its weight and bias: W' = W diag(gamma), b' = b + W beta. */
interface Fold {
  readonly norm: Weights;
  readonly w: Weights;
  readonly cols: number;
  readonly inner: number;
  /** False for a layer without bias. */
  readonly bias?: boolean;
  /** Columns that are scaled by 32^-0.5, from the first on. */
  readonly scaled?: number;
}

const folded = (t: Target, fold: Fold) => ({
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
