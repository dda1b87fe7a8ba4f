/** The prediction heads' MLPs (paper section 3.3): three layers on each token of a task. */
import type { Parameter, Tensor } from '../graph/graph.ts';
import type { Dtype } from '../kernels/kernel.ts';
import { transposed } from '../kernels/matmul.ts';
import { headBiases, headOffsets, headTable, headWeights, mlpHead } from '../kernels/mlpHead.ts';
import type { Config, TaskTokens } from './config.ts';
import { lastOf } from './layers.ts';
import type { Target } from './lowering.ts';
import type { Weights } from './weights.ts';

/** The MLPs 256-256-256-out on the tasks' tokens in one dispatch: where `headOffsets` says, head after head, in each image after image. */
export function mlps(t: Target, tokens: Tensor, tasks: readonly TaskTokens[], config: Config, w: Weights): Tensor {
  const { graph, dtype } = t;
  const layers = tasks.flatMap(({ head }) => [0, 1, 2].map((i) => w.at(head).at('layers').at(i)));
  const name = tasks.map(({ head }) => w.at(head).path).join(' + ');
  const weight = oneAfterTheOther(
    t,
    `${name} weights`,
    layers.map((layer) => layer.name('weight')),
    sum(tasks.map(headWeights)),
    dtype,
  );
  const bias = oneAfterTheOther(
    t,
    `${name} biases`,
    layers.map((layer) => layer.name('bias')),
    sum(tasks.map(headBiases)),
    'f32',
  );
  const rows = headTable(tasks);
  const table = graph.parameter(`${name} table`, [], rows.length, (into) =>
    new Uint32Array(into.buffer, into.byteOffset, into.length).set(rows),
  );
  const shape = { heads: tasks, tokens: config.tokens, stride: lastOf(tokens.shape), images: graph.images, dtype };
  return graph.add(name, mlpHead, shape, { x: tokens, w: weight, b: bias, t: table }, [graph.images * headOffsets(tasks).length]);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Tensors one after the other; matrices with their inputs outermost. */
function oneAfterTheOther({ graph }: Target, name: string, from: readonly string[], length: number, dtype: Dtype): Parameter {
  const fill: Parameter['fill'] = (into, sources) => {
    let at = 0;
    for (const [i, source] of sources.entries()) {
      const place = into.subarray(at, at + source.length);
      if (from[i]?.endsWith('weight')) transposed(source, source.length / 256, place);
      else place.set(source);
      at += source.length;
    }
  };
  return graph.parameter(name, from, length, fill, dtype);
}
