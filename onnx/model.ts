/** FaceXFormer in either form as an ONNX graph: input `pixels` [1, 3, 224, 224], one output per task. */

import type { TensorInfo } from '../src/checkpoint/checkpoint.ts';
import type { Form } from '../src/face/forms.ts';
import { fuse, positionCode, twoWayTransformer, WIDTH } from './decoder.ts';
import { Graph } from './graph.ts';
import { CLASSES, PAPER_TOKENS, poseHead, RELEASED_TOKENS, segmentationHead, singleTokenHeads, tokenEmbeddings } from './heads.ts';
import { landmarksHourglass, POINTS } from './hourglass.ts';
import { reshape, slice, transpose } from './ops.ts';
import { SWIN_B, type SwinConfig, swin } from './swin.ts';

const SIDE = 224;
const POSE = 9;

/** Fails with WRONG_WEIGHTS if a tensor of the form is missing or has another shape. */
export function facexformer(form: Form, tensors: ReadonlyMap<string, TensorInfo>, config: SwinConfig = SWIN_B): Graph {
  const g = new Graph(tensors);
  const pixels = g.input('pixels', [1, 3, SIDE, SIDE]);
  const fused = fuse(g, swin(g, pixels, config));
  const side = fused.shape[2] as number;
  const single = form === 'released' ? RELEASED_TOKENS : PAPER_TOKENS;
  const modules = [
    ...(form === 'paper'
      ? ([
          ['landmarks_tokens', POINTS],
          ['pose_tokens', POSE],
        ] as const)
      : []),
    ...single.map(({ module }) => [`${module}_token`, 1] as const),
    ['mask_tokens', CLASSES] as const,
  ];
  const { tokens, image } = twoWayTransformer(g, tokenEmbeddings(g, modules), fused, positionCode(g, side));
  const face = reshape(g, transpose(g, image, 0, 2, 1), [1, WIDTH, side, side]);
  if (form === 'released') {
    singleTokenHeads(g, tokens, RELEASED_TOKENS, 0);
  } else {
    g.output('landmarks', landmarksHourglass(g, slice(g, tokens, 1, 0, POINTS), face));
    poseHead(g, tokens, POINTS);
    singleTokenHeads(g, tokens, PAPER_TOKENS, POINTS + POSE);
  }
  segmentationHead(g, tokens, face);
  return g;
}
