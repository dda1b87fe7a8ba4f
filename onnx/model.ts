/** FaceXFormer in either form as an ONNX graph: input `pixels` [1, 3, 224, 224], one output per task. */

import type { TensorInfo } from '../src/checkpoint/checkpoint.ts';
import type { Form } from '../src/face/forms.ts';
import { headsOf } from '../src/face/tasks.ts';
import { l2Normalised, type PlacedHead, placed } from '../src/model/heads.ts';
import { PAPER_HOURGLASS } from '../src/model/hourglass.ts';
import { parsingMap } from '../src/model/parsing.ts';
import { fuse, positionCode, twoWayTransformer, WIDTH } from './decoder.ts';
import { Graph, type Value } from './graph.ts';
import { oneTokenHead, segmentationHead, tokenEmbeddings, tokensHead } from './heads.ts';
import { landmarksHourglass } from './hourglass.ts';
import { reshape, slice, transpose } from './ops.ts';
import { SWIN_B, type SwinConfig, swin } from './swin.ts';

const SIDE = 224;

/** Fails with WRONG_WEIGHTS if a tensor of the form is missing or has another shape. */
export function facexformer(form: Form, tensors: ReadonlyMap<string, TensorInfo>, config: SwinConfig = SWIN_B): Graph {
  const g = new Graph(tensors);
  const pixels = g.input('pixels', [1, 3, SIDE, SIDE]);
  const fused = fuse(g, swin(g, pixels, config));
  const side = fused.shape[2] as number;
  const heads = placed(headsOf(form, PAPER_HOURGLASS));
  const modules = heads.map((head) => [head.tokens, head.count] as const);
  const { tokens, image } = twoWayTransformer(g, tokenEmbeddings(g, modules), fused, positionCode(g, side));
  const face = reshape(g, transpose(g, image, 0, 2, 1), [1, WIDTH, side, side]);
  for (const head of heads) g.output(head.task, outputOf(g, head, tokens, face));
  return g;
}

/** What a head makes of its tokens, and of the face [1, 256, H, W] where it reads that. */
function outputOf(g: Graph, head: PlacedHead, tokens: Value, face: Value): Value {
  const { task, count, first, build, heatmaps } = head;
  if (build === parsingMap) return segmentationHead(g, tokens, head, face);
  if (heatmaps) return landmarksHourglass(g, slice(g, tokens, 1, first, first + count), face);
  if (build && build !== l2Normalised) throw new Error(`The ONNX export does not know how the head ${task} makes its output.`);
  return count === 1 ? oneTokenHead(g, tokens, head) : tokensHead(g, tokens, head);
}
