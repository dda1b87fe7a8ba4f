/** What a backbone is to the rest of the network. */
import type { Tensor } from '../../graph/graph.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';

export interface Backbone {
  /** What people choose it by. */
  readonly name: string;
  /** Whether a checkpoint's tensors are this backbone's, by names that no other has. */
  recognises(tensors: ReadonlyMap<string, unknown>): boolean;
  /**
   * Adds it to the graph.
   * @param resized the picture's bytes, red lowest: [images * t.side * t.side]
   * @param w the checkpoint's module `backbone`
   * @returns four maps, finest first, of sides t.side / 4, / 8, / 16 and / 32, [images * side * side, channels] each, in rows of a multiple of 16, of
   *   which those beyond the channels are zero: the fusion makes its weights for them
   */
  build(t: Target, resized: Tensor, w: Weights): Stream[];
}
