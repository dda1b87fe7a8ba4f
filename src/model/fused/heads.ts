/** The prediction heads (paper section 3.3): every task's MLP in one dispatch, the parsing map in two, and the landmarks' hourglass. */
import { type Parameter, part, type Tensor } from '../../graph/graph.ts';
import { headOffsets } from '../../kernels/mlpHead.ts';
import { packUpscale } from '../../kernels/parse.ts';
import { sideOf } from '../backbones/swin.ts';
import type { Config, TaskTokens } from '../config.ts';
import { reshape, rowsOf, stored, UPSCALING_EPS, upscale2x2 } from '../layers.ts';
import type { Decoded } from '../lowering.ts';
import { mlps } from '../mlps.ts';
import type { Weights } from '../weights.ts';
import type { FusedTarget as Target } from './target.ts';

export function heads(t: Target, { tokens, face }: Decoded, config: Config, tasks: readonly TaskTokens[], w: Weights): void {
  const all = mlps(t, tokens, tasks, config, w);
  const { offsets } = headOffsets(tasks);
  const { images } = t.graph;
  for (const [i, task] of tasks.entries()) {
    const made = part(all, images * (offsets[i] as number), [images * task.count, task.out]);
    if (task.task === 'segmentation') parse(t, face, made, w.at('output_upscaling'));
    else config.form.addOutput(t, task, made, face, config, w);
  }
}

/** Upscales the face tokens to 224x224 and multiplies them with the classes' kernels [images * classes, 32]. */
function parse(t: Target, face: Tensor, kernels: Tensor, w: Weights): void {
  const { graph, dtype } = t;
  const { images } = graph;
  const side = sideOf(t, face);
  const classes = rowsOf(kernels.shape) / images;
  const twice = reshape(upscale2x2(t, face, w.at(0), 64), [4 * rowsOf(face.shape), 64]);
  const n = stored(graph, 160, w.at(1).name('weight'), w.at(1).name('bias'), w.at(3).name('bias'));
  const name = w.at(3).name('weight');
  const fill: Parameter['fill'] = (into, [source]) => packUpscale(source as Float32Array, into);
  const weight = graph.parameter(`${name} by quarters`, [name], 64 * 128, fill, dtype);
  const inputs = { x: twice, n, w: weight, h: kernels };
  const shape = { side, classes, images, eps: UPSCALING_EPS, dtype };
  const pixels = 16 * side * side;
  graph.output('mask', graph.add('mask', t.kernels.parse, shape, inputs, [(images * pixels) / 4]), [pixels / 4]);
  const logits = graph.add('segmentation', t.kernels.parse, { ...shape, logits: true }, inputs, [images * classes, 4 * side, 4 * side]);
  graph.output('segmentation', logits, [1, classes, 4 * side, 4 * side]);
}
