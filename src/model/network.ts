/** FaceXFormer from the picture's crop to the raw outputs, as one static graph. */
import { Graph, type Resource } from '../graph/graph.ts';
import { normaliseLookup, SIZE } from '../image/resize.ts';
import { normalise } from '../kernels/normalise.ts';
import { resize } from '../kernels/resize.ts';
import { gpuKernels, type KernelSet } from '../kernels/set.ts';
import type { Config } from './config.ts';
import { decode } from './decoder.ts';
import { fuse } from './fusion.ts';
import { heads } from './heads.ts';
import { swin } from './swin.ts';
import { Weights } from './weights.ts';

const PICTURE: Resource = { kind: 'resource', name: 'picture' };
const TABLE: Resource = { kind: 'resource', name: 'table' };

/** The whole network; a plan takes from it what the chosen tasks need. */
export function network(config: Config, kernels: KernelSet = gpuKernels): Graph {
  const graph = new Graph();
  const t = { graph, kernels };
  const w = new Weights();
  const resized = graph.add('resized', resize, { size: SIZE }, { picture: PICTURE, table: TABLE }, [SIZE * SIZE]);
  const lookup = graph.parameter('normalise lookup', [], 768, (into) => into.set(normaliseLookup()));
  const pixels = graph.add('pixels', normalise, { pixels: SIZE * SIZE }, { x: resized, lookup }, [3, SIZE, SIZE]);
  graph.tap('resized', resized);
  graph.tap('pixels', pixels, [1, 3, SIZE, SIZE]);
  const face = fuse(t, swin(t, pixels, w.at('backbone.0')));
  heads(t, decode(t, face, config, w.at('face_decoder')), config, w.at('face_decoder'));
  return graph;
}
