/**
 * The network's input as numbers: what the plain lowering embeds, and one of the raw results. The fused lowering looks each byte up as it
 * embeds it, so that its graph gets these only when they are asked for.
 */
import type { Graph, Tensor } from '../graph/graph.ts';
import { SIZE } from '../image/resize.ts';
import { normalise } from '../kernels/normalise.ts';
import { lookupOf } from '../model/layers.ts';

/** [images * 3, 224, 224], added to the graph of a network unless it is there. */
export function pixelsOf(graph: Graph): Tensor {
  const known = graph.taps.get('pixels')?.tensor;
  if (known) return known;
  const { images } = graph;
  const inputs = { x: graph.taps.get('resized')?.tensor as Tensor, lookup: lookupOf(graph) };
  const pixels = graph.add('pixels', normalise, { pixels: SIZE * SIZE, images }, inputs, [images * 3, SIZE, SIZE]);
  graph.tap('pixels', pixels, [1, 3, SIZE, SIZE]);
  return pixels;
}
