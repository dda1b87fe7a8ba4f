import { linesOf } from './convPrelu.ts';
import { defineKernel } from './kernel.ts';
import finite from './parts/finite.wgsl';
import maps from './parts/maps.wgsl';
import wgsl from './proposals.wgsl';

export interface ProposalsShape {
  /** Cells of all maps together. */
  positions: number;
}

/** Elements of a proposal in y. */
export const PROPOSAL_ELEMENTS = 6;

/** The cells of a pyramid that a detector proposes, of maps of many sizes at once. */
export const proposals = defineKernel('proposals', [wgsl, maps, finite], ({ positions }: ProposalsShape) => ({
  constants: {},
  workgroups: linesOf(positions),
  macs: positions * (9 * 16 * 32 + 32 * 6),
}));

/**
 * The two 1x1 convolutions as the kernel reads them, [33][2] vec4f: of the logits only their difference matters.
 * @param logits [2, 32] and [2]; @param box [4, 32] and [4]
 */
export function packHeads(
  logits: readonly [Float32Array, Float32Array],
  box: readonly [Float32Array, Float32Array],
  into: Float32Array,
): void {
  for (let c = 0; c <= 32; c++) {
    const at = (weights: readonly [Float32Array, Float32Array], row: number) =>
      (c < 32 ? weights[0][row * 32 + c] : weights[1][row]) as number;
    into[8 * c] = at(logits, 1) - at(logits, 0);
    for (let row = 0; row < 4; row++) into[8 * c + 1 + row] = at(box, row);
  }
}
