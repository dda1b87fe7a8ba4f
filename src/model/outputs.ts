/** A task's raw output, of what its MLPs gave. */
import type { Tensor } from '../graph/graph.ts';
import { l2Normalise } from '../kernels/l2Normalise.ts';
import type { TaskTokens } from './config.ts';
import type { Decoded, Target, Wanted } from './lowering.ts';
import type { Weights } from './weights.ts';

/** Adds the output to the graph, named as the task. `made`: [images * count, out]; the batch dimension of what is read is PyTorch's. */
export function addOutput(
  t: Target,
  { task, count, out }: TaskTokens,
  made: Tensor,
  { face }: Decoded,
  { config, hourglass }: Wanted,
  w: Weights,
): void {
  const { graph } = t;
  if (task === 'landmarks' && config.hourglass) {
    if (!hourglass) throw new Error('these landmarks need the hourglass network');
    graph.output(task, hourglass(t, made, face, config.hourglass, w.at('landmarks_hourglass')), [1, count, 2]);
  } else if (task === 'recognition') {
    const { images } = graph;
    graph.output(task, graph.add(task, l2Normalise, { length: out, images }, { x: made }, [images, out]), [1, out]);
  } else graph.output(task, made, task === 'headpose' && count === 9 ? [1, 3, 3] : [1, out]);
}
