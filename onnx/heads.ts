/** The task heads on the decoded tokens, and the segmentation's upscaling. */

import { WIDTH } from './decoder.ts';
import type { Graph, Value } from './graph.ts';
import { add, clampMin, concat, div, gelu, linear, matmul, mul, pick, reduce, relu, reshape, slice, sub, upconv } from './ops.ts';

interface Token {
  /** The output's name. */
  readonly task: string;
  /** The token's and the head's name in the checkpoint. */
  readonly module: string;
  readonly size: number;
}

/** The released form's single tokens, in order; the parsing tokens follow. */
export const RELEASED_TOKENS: readonly Token[] = [
  { task: 'landmarks', module: 'landmarks', size: 136 },
  { task: 'headpose', module: 'pose', size: 3 },
  { task: 'attributes', module: 'attribute', size: 40 },
  { task: 'visibility', module: 'visibility', size: 29 },
  { task: 'age', module: 'age', size: 8 },
  { task: 'gender', module: 'gender', size: 2 },
  { task: 'race', module: 'race', size: 5 },
];

/** The paper form's single tokens, after 68 of landmarks and 9 of pose and before those of parsing. */
export const PAPER_TOKENS: readonly Token[] = [
  { task: 'attributes', module: 'attributes', size: 40 },
  { task: 'visibility', module: 'visibility', size: 29 },
  { task: 'age', module: 'age', size: 8 },
  { task: 'gender', module: 'gender', size: 2 },
  { task: 'race', module: 'race', size: 5 },
  { task: 'expression', module: 'expression', size: 7 },
  { task: 'recognition', module: 'recognition', size: 512 },
];

export const CLASSES = 11;

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

/** Outputs [1, size] of the single tokens, the first of which is number `from`. */
export function singleTokenHeads(g: Graph, tokens: Value, list: readonly Token[], from: number): void {
  list.forEach(({ task, module, size }, i) => {
    let y = mlp(g, pick(g, tokens, 1, from + i), `face_decoder.${module}_prediction_head`, size);
    if (task === 'recognition') y = div(g, y, clampMin(g, reduce(g, 'ReduceL2', y, 1), 1e-12));
    g.output(task, y);
  });
}

/** The paper form's pose: nine tokens, one number each, [1, 3, 3]. */
export function poseHead(g: Graph, tokens: Value, from: number): void {
  const nine = mlp(g, slice(g, tokens, 1, from, from + 9), 'face_decoder.pose_prediction_head', 1);
  g.output('headpose', reshape(g, nine, [1, 3, 3]));
}

/** face [1, 256, H, W] and the last 11 tokens to logits [1, 11, 4H, 4W]. */
export function segmentationHead(g: Graph, tokens: Value, face: Value): void {
  const total = tokens.shape[1] as number;
  let up = layerNorm2d(g, upconv(g, face, 'face_decoder.output_upscaling.0', WIDTH / 4), 'face_decoder.output_upscaling.1');
  up = gelu(g, upconv(g, gelu(g, up), 'face_decoder.output_upscaling.3', WIDTH / 8));
  const [, channels, h, w] = up.shape as [number, number, number, number];
  const kernels = mlp(g, slice(g, tokens, 1, total - CLASSES, total), 'face_decoder.output_hypernetwork_mlps', channels);
  const logits = matmul(g, kernels, reshape(g, up, [1, channels, h * w]));
  g.output('segmentation', reshape(g, logits, [1, CLASSES, h, w]));
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
