import wgsl from './convPrelu.wgsl';
import { defineKernel, type Grid, MAX_WORKGROUPS, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';
import maps from './parts/maps.wgsl';

export interface ConvPreluShape {
  /** Side of the convolution's window. */
  window: number;
  /** Side of the pooling's window, and how far apart two of them are; 1 and 1 unless given. */
  pool?: number;
  step?: number;
  /** Channels of x and y, multiples of 4. */
  inner: number;
  outer: number;
  /** Positions of y, over all maps. */
  positions: number;
}

const THREADS = 64;

/** A thread a position: more workgroups than a dimension takes go on in the next line. */
export function linesOf(threads: number, deep = 1): Grid {
  const groups = tiles(threads, THREADS);
  const lines = tiles(groups, MAX_WORKGROUPS);
  return [tiles(groups, lines), lines, deep];
}

/** Valid convolution, PReLU and ceil-mode pooling of maps of many sizes at once. */
export const convPrelu = defineKernel(
  'convPrelu',
  [wgsl, maps, finite],
  ({ window, pool = 1, step = 1, inner, outer, positions }: ConvPreluShape) => {
    const quads = [4, 3, 2, 1].find((q) => (outer / 4) % q === 0) as number;
    return {
      constants: { WINDOW: window, POOL: pool, STEP: step, IN: inner / 4, OUT: outer / 4 },
      machine: { QUADS: quads },
      workgroups: linesOf(positions, outer / 4 / quads),
      macs: positions * outer * inner * window ** 2 * pool ** 2,
    };
  },
);

/**
 * A layer's weight as the kernel reads it, [window * window * inner][outer], both padded with zeros to multiples of 4.
 * @param weight PyTorch's, [channels out, channels in, window, window]
 */
export function packConv(weight: Float32Array, [out, inner, window]: readonly [number, number, number], into: Float32Array): void {
  const outer = 4 * tiles(out, 4);
  const padded = 4 * tiles(inner, 4);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inner; i++)
      for (let tap = 0; tap < window * window; tap++)
        into[(tap * padded + i) * outer + o] = weight[(o * inner + i) * window * window + tap] as number;
}
