/** FaceXFormer from the picture's crop to the raw outputs, as one static graph. */
import type { TensorList } from '../checkpoint/checkpoint.ts';
import { Graph, resource } from '../graph/graph.ts';
import { SIZE } from '../image/resize.ts';
import type { Dtype } from '../kernels/kernel.ts';
import { resize } from '../kernels/resize.ts';
import { type GpuKernels, ROLES } from '../kernels/roles.ts';
import type { Backbone } from './backbones/backbone.ts';
import { decode } from './decoder.ts';
import { fuse } from './fusion.ts';
import { addHeads, type Head, placed } from './heads.ts';
import { Weights } from './weights.ts';

/** What a network is made of. */
export interface Architecture {
  readonly backbone: Backbone;
  /** The heads, in the decoder's order of tokens. */
  readonly heads: readonly Head[];
  /** Side of the square picture that it takes, in pixels, a multiple of 32 from 224 to 512; 224 unless told otherwise. */
  readonly side?: number | undefined;
}

export interface NetworkOptions {
  /** Which kernels compute it; a desktop GPU's unless told otherwise. */
  kernels?: GpuKernels;
  /** Pictures in a frame. */
  images?: number;
  /** How weights and activations are stored. */
  dtype?: Dtype;
  /** Tasks of the heads that are to answer; default all. */
  tasks?: readonly string[];
}

/** The whole network; a plan takes from it what the chosen outputs need. */
export function network(architecture: Architecture, options: NetworkOptions = {}): Graph {
  return build(architecture, options, new Weights());
}

/** The tensors that a network is made from: building it once says them. */
export function tensorsOfNetwork(architecture: Architecture): TensorList {
  const w = new Weights();
  build(architecture, {}, w);
  return w.tensors;
}

function build({ backbone, heads, side = SIZE }: Architecture, options: NetworkOptions, w: Weights): Graph {
  const { kernels = ROLES.desktop, images = 1, dtype = 'f32', tasks } = options;
  const graph = new Graph(images);
  const t = { graph, kernels, dtype, side };
  const picture = { picture: resource('picture'), table: resource('table') };
  const resized = graph.add('resized', resize, { size: side, images }, picture, [images * side * side]);
  graph.tap('resized', resized, [side * side]);
  const face = fuse(t, backbone.build(t, resized, w.at('backbone')), w);
  const decoder = w.at('face_decoder');
  const all = placed(heads);
  const decoded = decode(t, face, all, decoder, w);
  const wanted = tasks ? all.filter(({ task }) => tasks.includes(task)) : all;
  addHeads(t, decoded, wanted, decoder);
  return graph;
}
