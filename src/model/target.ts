/** What the model's functions add to, and what they hand on to one another. */
import type { Graph, Tensor } from '../graph/graph.ts';
import type { Dtype } from '../kernels/kernel.ts';
import type { GpuKernels } from '../kernels/roles.ts';

export interface Target {
  readonly graph: Graph;
  /** Which kernels the GPU is given. */
  readonly kernels: GpuKernels;
  /** How weights and activations are stored; streams, the face tokens, the task tokens and all that is read back are float32. */
  readonly dtype: Dtype;
  /** Side of the square picture, in pixels. */
  readonly side: number;
}

/** A residual stream: [rows, channels], whose rows may carry more behind their channels. */
export interface Stream {
  readonly tensor: Tensor;
  readonly channels: number;
}

export interface Decoded {
  /** [images * tokens, ...], in the heads' order: the first 256 numbers of each row. */
  readonly tokens: Tensor;
  /** [images * side * side, 256] */
  readonly face: Tensor;
}
