/** The task heads on the decoded tokens, and the segmentation's upscaling. */

import { l2Normalised, type PlacedHead } from '../src/model/heads.ts';
import { WIDTH } from '../src/model/sizes.ts';
import type { Graph, Value } from './graph.ts';
import { add, clampMin, concat, div, gelu, linear, matmul, mul, pick, reduce, relu, reshape, slice, sub, upconv } from './ops.ts';

/** All token embeddings in order: [1, T, 256]. */
export function tokenEmbeddings(g: Graph, modules: readonly (readonly [name: string, rows: number])[]): Value {
  const rows = concat(
    g,
    modules.map(([name, n]) => g.weight(`face_decoder.${name}.weight`, [n, WIDTH])),
    0,
  );
  return g.node('Unsqueeze', [rows, g.indices(0)], [1, ...rows.shape]);
}

/** Three linear layers with ReLU between them. */
export function mlp(g: Graph, x: Value, name: string, out: number): Value {
  x = relu(g, linear(g, x, `${name}.layers.0`, WIDTH));
  x = relu(g, linear(g, x, `${name}.layers.1`, WIDTH));
  return linear(g, x, `${name}.layers.2`, out);
}

/** Output [1, out] of a head of one token. */
export function oneTokenHead(g: Graph, tokens: Value, { path, out, first, build }: PlacedHead): Value {
  const y = mlp(g, pick(g, tokens, 1, first), `face_decoder.${path}`, out);
  return build === l2Normalised ? div(g, y, clampMin(g, reduce(g, 'ReduceL2', y, 1), 1e-12)) : y;
}

/** Output of a head of several tokens, some numbers each, in the head's shape. */
export function tokensHead(g: Graph, tokens: Value, { path, count, out, first, shape = [1, count * out] }: PlacedHead): Value {
  return reshape(g, mlp(g, slice(g, tokens, 1, first, first + count), `face_decoder.${path}`, out), shape);
}

/** face [1, 256, H, W] and the head's tokens, one a class, to logits [1, classes, 4H, 4W]. */
export function segmentationHead(g: Graph, tokens: Value, { path, count, first }: PlacedHead, face: Value): Value {
  let up = layerNorm2d(g, upconv(g, face, 'face_decoder.output_upscaling.0', WIDTH / 4), 'face_decoder.output_upscaling.1');
  up = gelu(g, upconv(g, gelu(g, up), 'face_decoder.output_upscaling.3', WIDTH / 8));
  const [, channels, h, w] = up.shape as [number, number, number, number];
  const kernels = mlp(g, slice(g, tokens, 1, first, first + count), `face_decoder.${path}`, channels);
  const logits = matmul(g, kernels, reshape(g, up, [1, channels, h * w]));
  return reshape(g, logits, [1, count, h, w]);
}

/** Layer norm over the channels of [1, C, H, W], eps 1e-6, operator by operator as the released code has it. */
function layerNorm2d(g: Graph, x: Value, name: string): Value {
  const channels = x.shape[1] as number;
  const perChannel = (part: string) => g.weight(`${name}.${part}`, [channels], { shape: [channels, 1, 1], convert: (data) => data });
  const centred = sub(g, x, reduce(g, 'ReduceMean', x, 1));
  const squares = g.node('Pow', [centred, g.scalar(2)], centred.shape);
  const variance = add(g, reduce(g, 'ReduceMean', squares, 1), g.scalar(1e-6));
  const normal = div(g, centred, g.node('Sqrt', [variance], variance.shape));
  return add(g, mul(g, perChannel('weight'), normal), perChannel('bias'));
}
