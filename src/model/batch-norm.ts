/** Convolutions and the batch norms behind them, as inference has them: a factor and a term for each channel, folded in float64 and rounded once. */
import type { Graph, Parameter, Tensor } from '../graph/graph.ts';
import { type ConvShape, packConv } from '../kernels/conv/role.ts';
import { sumConvShares } from '../kernels/conv/sumConvShares.ts';
import { paddedCols } from '../kernels/matmul/role.ts';
import { lastOf, type Product, padded, product, rowsOfTensor } from './layers.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

export interface BatchNorm {
  readonly w: Weights;
  readonly eps: number;
}

/** The names of a batch norm's tensors, in the order in which `affine` wants them; none where there is no batch norm. */
export function statistics(bn: BatchNorm | undefined, channels: number): string[] {
  bn?.w.buffer('num_batches_tracked', []);
  return bn ? ['weight', 'bias', 'running_mean', 'running_var'].map((name) => bn.w.get(name, [channels])) : [];
}

/** What a batch norm multiplies channel i with, and what it adds. */
export function affine(bn: BatchNorm | undefined, [weight, bias, mean, variance]: readonly Float32Array[], i: number) {
  const scale = bn ? (weight?.[i] as number) / Math.sqrt((variance?.[i] as number) + bn.eps) : 1;
  return { scale, shift: bn ? (bias?.[i] as number) - scale * (mean?.[i] as number) : 0 };
}

/** A convolution's weight, each output's numbers times the scale of the batch norm that follows. */
export function scaledWeight(weight: Float32Array, bn: BatchNorm, sources: readonly Float32Array[], channels: number): Float64Array {
  const each = weight.length / channels;
  return Float64Array.from(weight, (value, i) => value * affine(bn, sources, Math.floor(i / each)).scale);
}

/** A convolution's packed weight, each output times the scale of the batch norm that follows; inputs as many as rows of x have. */
export function foldedWeight(
  { graph, dtype }: Target,
  w: Weights,
  shape: Pick<ConvShape, 'cols' | 'inner' | 'kernel'>,
  bn?: BatchNorm,
): Parameter {
  const { cols, inner, kernel } = shape;
  const own = w.get('weight', [cols, inner, kernel, kernel]);
  const name = `${own}${bn ? ` x ${bn.w.path}` : ''} packed`;
  const each = inner * kernel * kernel;
  const row = padded(inner) * kernel * kernel;
  return graph.parameter(name, [own, ...statistics(bn, cols)], paddedCols(cols) * row, dtype, (into, [weight, ...sources]) => {
    const scaled = new Float64Array(cols * row);
    for (let n = 0; n < cols; n++) {
      const { scale } = affine(bn, sources, n);
      for (let i = 0; i < each; i++) scaled[n * row + i] = (weight[n * each + i] as number) * scale;
    }
    packConv(scaled, { cols, inner: padded(inner), kernel }, into);
  });
}

type Pointwise = Pick<Product, 'activation' | 'residual'> & Pick<Around, 'bn' | 'hasOwn'> & { readonly inner?: number };

/** act(bn(conv1x1(x))) and a residual, as the layer says. x has `inner` channels, as many as its rows are long unless told otherwise. */
export function pointwise(
  t: Target,
  x: Tensor,
  w: Weights,
  cols: number,
  { inner = lastOf(x.shape), bn, hasOwn, ...layer }: Pointwise = {},
): Tensor {
  const weight = foldedWeight(t, w, { cols, inner, kernel: 1 }, bn);
  const bias = foldedBias(t.graph, w, cols, bn, hasOwn);
  return product(t, w.path, rowsOfTensor(x), { weight, bias, cols: padded(cols), ...layer });
}

/** What a convolution has around it: a batch norm behind it, a bias of its own unless told otherwise, and where its shape wants them more to read. */
export interface Around {
  readonly bn?: BatchNorm | undefined;
  readonly hasOwn?: boolean;
  /** Scales and shifts before it, a residual, and a coarser map. */
  readonly s?: Parameter | undefined;
  readonly r?: Tensor | undefined;
  readonly c?: Tensor | undefined;
}

/** A convolution of the images' maps, in one dispatch or in shares: [images * side * side, cols] */
export function convolution(t: Target, x: Tensor, own: Weights, shape: ConvShape, { bn, hasOwn, ...around }: Around): Tensor {
  const { graph, dtype, kernels } = t;
  const { images } = graph;
  const w = foldedWeight(t, own, shape, bn);
  const b = foldedBias(graph, own, shape.cols, bn, hasOwn);
  const { s = b, r = b, c = b } = around;
  const made = [images * shape.side * shape.side, shape.cols];
  const { kernel, sharesOf } = kernels.conv;
  const all: ConvShape = { ...shape, images, dtype, weights: dtype };
  const shares = sharesOf(all);
  if (shares === 1) return graph.add(own.path, kernel, all, { x, w, s, b, r, c }, made, dtype);
  const inShares = { ...all, shares };
  const sums = graph.add(`${own.path} in shares`, kernel, inShares, { x, w, s, b, r: b, c: b }, [shares, ...made]);
  return graph.add(own.path, sumConvShares, inShares, { x: sums, b, r, c }, made, dtype);
}

/**
 * The bias beside that weight, as many as rows of y have.
 * @param hasOwn whether the convolution has one of its own
 */
export function foldedBias(g: Graph, w: Weights, cols: number, bn?: BatchNorm, hasOwn = true): Parameter {
  const own = hasOwn ? [w.get('bias', [cols])] : [];
  const name = `${w.path}.bias${bn ? ` x ${bn.w.path}` : ''}`;
  return g.parameter(name, [...own, ...statistics(bn, cols)], padded(cols), 'f32', (into, sources) => {
    for (let i = 0; i < cols; i++) {
      const { scale, shift } = affine(bn, sources.slice(own.length), i);
      into[i] = (hasOwn ? (sources[0]?.[i] as number) : 0) * scale + shift;
    }
  });
}
