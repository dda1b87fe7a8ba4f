/** FaceXFormer from the picture's crop to the raw outputs, as one static graph. */

import type { Task } from '../face/labels.ts';
import { Graph, resource } from '../graph/graph.ts';
import { SIZE } from '../image/resize.ts';
import type { Dtype } from '../kernels/kernel.ts';
import { resize } from '../kernels/resize.ts';
import { swin } from './backbones/swin.ts';
import { type Config, tasksOf } from './config.ts';
import { fused } from './fused/fused.ts';
import { fuse } from './fusion.ts';
import type { Lowering } from './lowering.ts';
import { Weights } from './weights.ts';

export interface NetworkOptions {
  /** How steps become dispatches; `fused()` unless told otherwise. */
  lowering?: Lowering;
  /** Pictures in a frame. */
  images?: number;
  /** How weights and activations are stored. */
  dtype?: Dtype;
  /** What the heads are for; default all that the configuration knows. */
  tasks?: readonly Task[];
}

/** The whole network; a plan takes from it what the chosen outputs need. */
export function network(config: Config, options: NetworkOptions = {}): Graph {
  const { lowering = fused(), images = 1, dtype = 'f32', tasks = tasksOf(config) } = options;
  const graph = new Graph(images);
  const t = { graph, kernels: lowering.kernels, dtype };
  const w = new Weights();
  const resized = graph.add('resized', resize, { size: SIZE, images }, { picture: resource('picture'), table: resource('table') }, [
    images * SIZE * SIZE,
  ]);
  graph.tap('resized', resized, [SIZE * SIZE]);
  const face = fuse(t, swin(t, lowering, resized, w.at('backbone.0')));
  const decoder = w.at('face_decoder');
  const wanted = config.tasks.filter(({ task }) => tasks.includes(task));
  lowering.heads(t, lowering.decode(t, face, config, decoder), config, wanted, decoder);
  return graph;
}
