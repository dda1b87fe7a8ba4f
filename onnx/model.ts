/** FaceXFormer in either form as an ONNX graph: input `pixels` [1, 3, 224, 224], one output per task. */

import type { TensorInfo } from '../src/checkpoint/checkpoint.ts';
import { SIZE } from '../src/image/resize.ts';
import { embeddingsOf, type Head, l2Normalised, type PlacedHead, placed } from '../src/model/heads.ts';
import { type HourglassSizes, hourglassOf } from '../src/model/hourglass.ts';
import { parsingMap } from '../src/model/parsing.ts';
import { WIDTH } from '../src/model/sizes.ts';
import { convnext } from './convnext.ts';
import { fuse, positionCode, twoWayTransformer } from './decoder.ts';
import { Graph, type Value } from './graph.ts';
import { oneTokenHead, segmentationHead, tokenEmbeddings, tokensHead } from './heads.ts';
import { landmarksHourglass } from './hourglass.ts';
import { mobilenet } from './mobilenet.ts';
import { reshape, slice, transpose } from './ops.ts';
import { resnet } from './resnet.ts';
import { swin } from './swin.ts';

/** Pixels [1, 3, S, S] to four maps, finest first, [1, S/4, S/4, channels] and on, each half as large. */
export type Encoder = (g: Graph, pixels: Value) => Value[];

/** How each backbone is written, by its name. */
export const ENCODERS: Readonly<Record<string, Encoder>> = {
  swin_b: swin,
  convnext_b: convnext,
  resnet101: resnet,
  mobilenet_v3_large: mobilenet,
};

/** Fails with WRONG_WEIGHTS if a tensor is missing or has another shape. */
export function facexformer(tensors: ReadonlyMap<string, TensorInfo>, unplaced: readonly Head[], encode: Encoder): Graph {
  const g = new Graph(tensors);
  const pixels = g.input('pixels', [1, 3, SIZE, SIZE]);
  const fused = fuse(g, encode(g, pixels));
  const side = fused.shape[2] as number;
  const hourglass = hourglassOf(tensors);
  const heads = placed(unplaced);
  const modules = heads.flatMap(embeddingsOf).map(({ module, count }) => [module, count] as const);
  const { tokens, image } = twoWayTransformer(g, tokenEmbeddings(g, modules), fused, positionCode(g, side));
  const face = reshape(g, transpose(g, image, 0, 2, 1), [1, WIDTH, side, side]);
  for (const head of heads) g.output(head.task, outputOf(g, head, tokens, face, hourglass));
  return g;
}

/** What a head makes of its tokens, and of the face [1, 256, H, W] where it reads that. */
function outputOf(g: Graph, head: PlacedHead, tokens: Value, face: Value, hourglass: HourglassSizes): Value {
  const { task, count, first, build, heatmaps } = head;
  if (build === parsingMap) return segmentationHead(g, tokens, head, face);
  if (heatmaps) return landmarksHourglass(g, slice(g, tokens, 1, first, first + count), face, hourglass);
  if (build && build !== l2Normalised) throw new Error(`The ONNX export does not know how the head ${task} makes its output.`);
  return count === 1 ? oneTokenHead(g, tokens, head) : tokensHead(g, tokens, head);
}
