/** The prediction heads (paper section 3.3): a three-layer MLP on each task's tokens, the parsing map, and the landmarks' hourglass. */
import { part, type Tensor } from '../../graph/graph.ts';
import { argmax } from '../../kernels/argmax.ts';
import { parsing } from '../../kernels/parsing.ts';
import type { Config, TaskTokens } from '../config.ts';
import { reshape, rowsOf, UPSCALING_EPS, upscale2x2 } from '../layers.ts';
import type { Decoded } from '../lowering.ts';
import { mlps } from '../mlps.ts';
import { unnested } from '../nested.ts';
import type { Weights } from '../weights.ts';
import { norm, type PlainTarget } from './norm.ts';

/** Adds every task's raw outputs to the graph, named as the task; and `mask`, the parsing map's argmax. */
export function heads(t: PlainTarget, { tokens, face }: Decoded, config: Config, tasks: readonly TaskTokens[], w: Weights): void {
  for (const task of tasks) {
    const made = part(mlps(t, tokens, [task], config, w), 0, [task.count, task.out]);
    if (task.task === 'segmentation') parse(t, face, made, w.at('output_upscaling'));
    else config.form.addOutput(t, task, made, face, config, w);
  }
}

/** Upscales the face tokens to 224x224 in nested 2x2 order and multiplies them with the classes' kernels [classes, 32]. */
function parse(t: PlainTarget, face: Tensor, kernels: Tensor, w: Weights): void {
  const pixels = rowsOf(face.shape);
  const side = Math.sqrt(pixels);
  const classes = kernels.shape[0] as number;
  const twice = norm(t, reshape(upscale2x2(t, face, w.at(0), 64), [4 * pixels, 64]), w.at(1), { eps: UPSCALING_EPS, gelu: true });
  const upscaled = reshape(upscale2x2(t, twice, w.at(3), 32, 'gelu'), [16 * pixels, 32]);
  t.graph.tap('upscaled', upscaled, [1, 32, 4 * side, 4 * side], (values) => unnested(values, side, 32));
  const logits = t.graph.add('segmentation', parsing, { side, classes }, { x: upscaled, h: kernels }, [1, classes, 4 * side, 4 * side]);
  t.graph.output('segmentation', logits);
  t.graph.output('mask', t.graph.add('mask', argmax, { pixels: 16 * pixels, classes }, { x: logits }, [4 * pixels]));
}
