/** The parsing map (paper section 3.3): the face tokens upscaled to four times the side, times each class's kernel. */
import { part, type Tensor } from '../graph/graph.ts';
import { packUpscale } from '../kernels/parse.ts';
import type { Made } from './heads.ts';
import { rowsOf, sideOf, stored, UPSCALING_EPS, upscale2x2 } from './layers.ts';
import type { Target } from './target.ts';

/** Logits [images, classes, 4 side, 4 side]; and another output of the graph, `mask`: each pixel's likeliest class, a byte. */
export function parsingMap(t: Target, { head, numbers: kernels, face, w }: Made): Tensor {
  const { graph, dtype } = t;
  const { images } = graph;
  const side = sideOf(t, face);
  const classes = head.count;
  const upscaling = w.at('output_upscaling');
  const [norm, second] = [upscaling.at(1), upscaling.at(3)];
  const twice = part(upscale2x2(t, face, upscaling.at(0), 64), 0, [4 * rowsOf(face.shape), 64]);
  const n = stored(graph, 160, norm.get('weight', [64]), norm.get('bias', [64]), second.get('bias', [32]));
  const name = second.get('weight', [64, 32, 2, 2]);
  const weight = graph.parameter(`${name} by quarters`, [name], 64 * 128, dtype, (into, [source]) => packUpscale(source, into));
  const inputs = { x: twice, n, w: weight, h: kernels };
  const shape = { side, classes, images, eps: UPSCALING_EPS, dtype };
  const pixels = 16 * side * side;
  graph.output('mask', graph.add('mask', t.kernels.parse, shape, inputs, [(images * pixels) / 4]), [pixels / 4]);
  return graph.add(head.task, t.kernels.parse, { ...shape, logits: true }, inputs, [images, classes, 4 * side, 4 * side]);
}
