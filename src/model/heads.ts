/**
 * The prediction heads (paper section 3.3): of each task's tokens after the decoder, three layers of an MLP, and what a task makes of their
 * numbers. Which heads there are is data: the model knows no task.
 */
import { part, type Tensor } from '../graph/graph.ts';
import { l2Normalise } from '../kernels/l2Normalise.ts';
import { transposed } from '../kernels/matmul/role.ts';
import { headTable, paddedOutputs, placesOf } from '../kernels/mlpHead.ts';
import { lastOf, rowsOf, stored } from './layers.ts';
import { WIDTH } from './sizes.ts';
import type { Decoded, Target } from './target.ts';
import type { Weights } from './weights.ts';

/** A task's tokens and what is made of them. */
export interface Head {
  /** Names the raw output. */
  readonly task: string;
  /** Module of the tokens' embedding in `face_decoder`: its weight is [count, 256]. Or one of [1, 256] for each token. */
  readonly tokens: string | readonly string[];
  readonly count: number;
  /** Module of the MLP in `face_decoder`, 256-256-256-out, and the numbers that it makes of each token. */
  readonly path: string;
  readonly out: number;
  /** Shape of the raw output of one image, as PyTorch gives it; unless told otherwise [1, count * out], or what `build` gives for an image. */
  readonly shape?: readonly number[] | undefined;
  /** The raw output from what the MLP made; that itself unless told otherwise. */
  readonly build?: ((t: Target, made: Made) => Tensor) | undefined;
  /** Tap of the heat maps that points are read from, [1, count, side, side]. */
  readonly heatmaps?: string | undefined;
}

/** What a head builds its output from. */
export interface Made {
  readonly head: Head;
  /** What the MLP made of the tokens: [images * count, out] */
  readonly numbers: Tensor;
  /** The face tokens after the decoder: [images * side * side, 256] */
  readonly face: Tensor;
  /** `face_decoder` */
  readonly w: Weights;
}

/** A head and the index of its first token. */
export interface PlacedHead extends Head {
  readonly first: number;
}

/** The heads with their tokens one after the other. */
export function placed(heads: readonly Head[]): PlacedHead[] {
  let first = 0;
  return heads.map((head) => {
    first += head.count;
    return { ...head, first: first - head.count };
  });
}

/** The modules of a head's embeddings, and how many tokens each has. */
export function embeddingsOf({ tokens, count }: Head): { module: string; count: number }[] {
  const modules = [tokens].flat();
  return modules.map((module) => ({ module, count: count / modules.length }));
}

/** How many tokens the heads have. */
export const tokensOf = (heads: readonly Head[]): number => heads.reduce((sum, { count }) => sum + count, 0);

/** Adds the heads' raw outputs to the graph, each named as its task. @param w `face_decoder` */
export function addHeads(t: Target, { tokens, face }: Decoded, heads: readonly PlacedHead[], w: Weights): void {
  const { graph } = t;
  const all = mlps(t, tokens, heads, w);
  const { places } = placesOf(heads);
  for (const [i, head] of heads.entries()) {
    const { task, count, out, build } = head;
    const numbers = part(all, graph.images * (places[i]?.y as number), [graph.images * count, out]);
    const built = build?.(t, { head, numbers, face, w });
    const { shape = built ? [1, ...built.shape.slice(1)] : [1, count * out] } = head;
    graph.output(task, built ?? numbers, shape);
  }
}

/** The MLP's numbers of each image over their length. */
export function l2Normalised({ graph }: Target, { head, numbers }: Made): Tensor {
  const { images } = graph;
  return graph.add(head.task, l2Normalise, { length: head.out, images }, { x: numbers }, [images, head.out]);
}

/** The MLPs on the heads' tokens in one dispatch: where `placesOf` says, head after head, in each image after image. */
function mlps({ graph, dtype, kernels }: Target, tokens: Tensor, heads: readonly PlacedHead[], w: Weights): Tensor {
  const layers = heads.flatMap(({ path, out }) => [WIDTH, WIDTH, out].map((rows, i) => ({ rows, w: w.at(path).at('layers').at(i) })));
  const { size } = placesOf(heads);
  const name = heads.map(({ path }) => w.at(path).path).join(' + ');
  const weights = layers.map((layer) => layer.w.get('weight', [layer.rows, WIDTH]));
  const weight = graph.parameter(`${name} weights`, weights, size.w, dtype, (into, sources) => {
    let at = 0;
    for (const source of sources) {
      const outputs = source.length / WIDTH;
      transposed(source, outputs, into.subarray(at), { stride: paddedOutputs(outputs) });
      at += WIDTH * paddedOutputs(outputs);
    }
  });
  const bias = stored(graph, size.b, ...layers.map((layer) => layer.w.get('bias', [layer.rows])));
  const rows = headTable(heads);
  const table = graph.parameter(`${name} table`, [], rows.length, 'f32', (into) =>
    new Uint32Array(into.buffer, into.byteOffset, into.length).set(rows),
  );
  const shape = { heads, tokens: rowsOf(tokens.shape) / graph.images, stride: lastOf(tokens.shape), images: graph.images, dtype };
  return graph.add(name, kernels.mlpHead, shape, { x: tokens, w: weight, b: bias, t: table }, [graph.images * size.y]);
}
