/** The prediction heads' MLPs (paper section 3.3): three layers on each token of a task. */
import type { Parameter, Tensor } from '../graph/graph.ts';
import { transposed } from '../kernels/matmul/role.ts';
import { headBiases, headOffsets, headTable, headWeights, mlpHead } from '../kernels/mlpHead.ts';
import type { Config, TaskTokens } from './config.ts';
import { lastOf, stored } from './layers.ts';
import type { Target } from './lowering.ts';
import type { Weights } from './weights.ts';

/** The MLPs 256-256-256-out on the tasks' tokens in one dispatch: where `headOffsets` says, head after head, in each image after image. */
export function mlps(t: Target, tokens: Tensor, tasks: readonly TaskTokens[], config: Config, w: Weights): Tensor {
  const { graph, dtype } = t;
  const layers = tasks.flatMap(({ head }) => [0, 1, 2].map((i) => w.at(head).at('layers').at(i)));
  const name = tasks.map(({ head }) => w.at(head).path).join(' + ');
  const fill: Parameter['fill'] = (into, sources) => {
    let at = 0;
    for (const source of sources) {
      transposed(source, source.length / 256, into.subarray(at));
      at += source.length;
    }
  };
  const weights = layers.map((layer) => layer.name('weight'));
  const weight = graph.parameter(`${name} weights`, weights, sum(tasks.map(headWeights)), fill, dtype);
  const bias = stored(graph, sum(tasks.map(headBiases)), ...layers.map((layer) => layer.name('bias')));
  const rows = headTable(tasks);
  const table = graph.parameter(`${name} table`, [], rows.length, (into) =>
    new Uint32Array(into.buffer, into.byteOffset, into.length).set(rows),
  );
  const shape = { heads: tasks, tokens: config.tokens, stride: lastOf(tokens.shape), images: graph.images, dtype };
  return graph.add(name, mlpHead, shape, { x: tokens, w: weight, b: bias, t: table }, [graph.images * headOffsets(tasks).length]);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
