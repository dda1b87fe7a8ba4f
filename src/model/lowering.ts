/** How the network's steps become dispatches. */
import type { Tensor } from '../graph/graph.ts';
import type { GpuKernels } from '../kernels/roles.ts';
import type { PlacedHead } from './heads.ts';
import type { Decoded, Stream, Target } from './target.ts';
import type { Weights } from './weights.ts';

export interface NormedLayer {
  readonly cols: number;
  readonly activation?: 'gelu';
  /** How many columns, from the first on, are queries of heads of 32 dimensions. The fused lowering scales them by 32^-0.5. */
  readonly queries?: number;
}

export interface Lowering {
  readonly kernels: GpuKernels;
  /** Pictures that a frame can take. */
  readonly mostImages: number;
  /**
   * To the patches' stream of 128 channels. `resized`: a picture's bytes, red lowest, [images * side * side]; `w`: patch convolution and norm.
   */
  embed(t: Target, resized: Tensor, w: Weights): Stream;
  /** act(linear(norm(x))): [rows, cols] */
  normedLinear(t: Target, x: Stream, norm: Weights, w: Weights, layer: NormedLayer): Tensor;
  /** to + linear(x) */
  addedLinear(t: Target, x: Tensor, w: Weights, to: Stream): Stream;
  /** Four neighbours side by side, norm, and a linear layer without bias to twice the channels. */
  mergePatches(t: Target, x: Stream, w: Weights): Stream;
  /** The two-way transformer on the face tokens [images * side * side, 256]. */
  decode(t: Target, face: Tensor, heads: readonly PlacedHead[], w: Weights, root: Weights): Decoded;
}
