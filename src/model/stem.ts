/** How encoders of convolutions begin: a picture's bytes, a convolution of stride 2, its batch norm, an activation. */
import type { Tensor } from '../graph/graph.ts';
import { transposed } from '../kernels/matmul/role.ts';
import { type StemShape, stem } from '../kernels/stem.ts';
import { type BatchNorm, foldedBias, scaledWeight, statistics } from './batch-norm.ts';
import { lookupOf } from './layers.ts';
import type { Stream, Target } from './target.ts';
import type { Weights } from './weights.ts';

/**
 * act(bn(conv(resized))), of half the picture's side
 * @param resized a picture's bytes, red lowest: [images * side * side]
 * @param w the convolution, which has no bias
 */
export function stemmed(
  { graph, side: whole, dtype }: Target,
  resized: Tensor,
  w: Weights,
  bn: BatchNorm,
  layer: Pick<StemShape, 'channels' | 'kernel' | 'activation'>,
): Stream {
  const { channels, kernel } = layer;
  const { images } = graph;
  const side = whole / 2;
  const own = w.get('weight', [channels, 3, kernel, kernel]);
  const from = [own, ...statistics(bn, channels)] as const;
  const length = 3 * kernel * kernel * channels;
  const weight = graph.parameter(`${own} x ${bn.w.path} packed`, from, length, dtype, (into, [source, ...sources]) =>
    transposed(scaledWeight(source, bn, sources, channels), channels, into),
  );
  const inputs = { x: resized, lookup: lookupOf(graph), w: weight, b: foldedBias(graph, w, channels, bn, false) };
  const shape = { images, side, ...layer, dtypes: { weight: dtype, output: dtype } };
  return { tensor: graph.add(w.path, stem, shape, inputs, [images * side * side, channels], dtype), channels };
}
