/** How the network's steps become dispatches. */
import type { Graph, Tensor } from '../graph/graph.ts';
import type { Dtype } from '../kernels/kernel.ts';
import type { KernelSet } from '../kernels/set.ts';
import type { Config, TaskTokens } from './config.ts';
import type { Weights } from './weights.ts';

/** What the model's functions add to, and with what. */
export interface Target {
  readonly graph: Graph;
  readonly kernels: KernelSet;
  /** Of weights and activations; streams, the face tokens, the task tokens and all that is read back are float32. */
  readonly dtype: Dtype;
}

/** A residual stream: [rows, channels], whose rows may carry more behind their channels. */
export interface Stream {
  readonly tensor: Tensor;
  readonly channels: number;
}

export interface Decoded {
  /** [images * tokens, ...], in the order of the configuration: the first 256 numbers of each row. */
  readonly tokens: Tensor;
  /** [images * 3136, 256] */
  readonly face: Tensor;
}

export interface NormedLayer {
  readonly cols: number;
  readonly activation?: 'gelu';
  /** How many columns, from the first on, are queries of heads of 32 dimensions. The fused lowering scales them by 32^-0.5. */
  readonly queries?: number;
}

export interface Lowering {
  readonly kernels: KernelSet;
  /** Pictures that a frame can take. */
  readonly mostImages: number;
  /**
   * To the patches' stream of 128 channels. `resized`: a picture's bytes, red lowest, [images * 224 * 224]; `w`: patch convolution and norm.
   */
  embed(t: Target, resized: Tensor, w: Weights): Stream;
  /** act(linear(norm(x))): [rows, cols] */
  normedLinear(t: Target, x: Stream, norm: Weights, w: Weights, layer: NormedLayer): Tensor;
  /** to + linear(x) */
  addedLinear(t: Target, x: Tensor, w: Weights, to: Stream): Stream;
  /** Four neighbours side by side, norm, and a linear layer without bias to twice the channels. */
  mergePatches(t: Target, x: Stream, w: Weights): Stream;
  /** The two-way transformer on the face tokens [images * 3136, 256]. */
  decode(t: Target, face: Tensor, config: Config, w: Weights): Decoded;
  /** Adds the raw outputs of the tasks, named as the tasks, and `mask`, the parsing map's argmax. */
  heads(t: Target, decoded: Decoded, config: Config, tasks: readonly TaskTokens[], w: Weights): void;
}
