/** Convolutions and the batch norms behind them, as inference has them: a factor and a term for each channel, folded in float64 and rounded once. */
import type { Graph, Parameter } from '../graph/graph.ts';
import { type ConvShape, packConv } from '../kernels/conv/role.ts';
import { paddedCols } from '../kernels/matmul/role.ts';
import { padded } from './layers.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

export interface BatchNorm {
  readonly w: Weights;
  readonly eps: number;
}

/** The names of a batch norm's tensors, in the order in which `affine` wants them. */
export function statistics({ w }: BatchNorm, channels: number): string[] {
  w.buffer('num_batches_tracked', []);
  return ['weight', 'bias', 'running_mean', 'running_var'].map((name) => w.get(name, [channels]));
}

/** What a batch norm multiplies channel i with, and what it adds. */
export function affine(
  { eps }: BatchNorm,
  [weight, bias, mean, variance]: readonly Float32Array[],
  i: number,
): { scale: number; shift: number } {
  const scale = (weight?.[i] as number) / Math.sqrt((variance?.[i] as number) + eps);
  return { scale, shift: (bias?.[i] as number) - scale * (mean?.[i] as number) };
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
  const from = [own, ...(bn ? statistics(bn, cols) : [])];
  const each = inner * kernel * kernel;
  const row = padded(inner) * kernel * kernel;
  const fill: Parameter['fill'] = (into, [weight, ...sources]) => {
    const scaled = new Float64Array(cols * row);
    for (let n = 0; n < cols; n++) {
      const { scale } = bn ? affine(bn, sources, n) : { scale: 1 };
      for (let i = 0; i < each; i++) scaled[n * row + i] = (weight?.[n * each + i] as number) * scale;
    }
    packConv(scaled, { cols, inner: padded(inner), kernel }, into);
  };
  return graph.parameter(`${own}${bn ? ` x ${bn.w.path}` : ''} packed`, from, paddedCols(cols) * row, fill, dtype);
}

/**
 * The bias beside that weight, as many as rows of y have.
 * @param hasOwn whether the convolution has one of its own
 */
export function foldedBias(g: Graph, w: Weights, cols: number, bn?: BatchNorm, hasOwn = true): Parameter {
  const own = hasOwn ? [w.get('bias', [cols])] : [];
  const from = [...own, ...(bn ? statistics(bn, cols) : [])];
  return g.parameter(`${w.path}.bias${bn ? ` x ${bn.w.path}` : ''}`, from, padded(cols), (into, sources) => {
    for (let i = 0; i < cols; i++) {
      const { scale, shift } = bn ? affine(bn, sources.slice(own.length), i) : { scale: 1, shift: 0 };
      into[i] = (hasOwn ? (sources[0]?.[i] as number) : 0) * scale + shift;
    }
  });
}
