import { defineKernel } from './kernel.ts';
import { type StreamMatmulShape, streamLaunch } from './matmul.ts';
import wgsl from './matmulShuffle.wgsl';

const ROWS = 7;

/** @param lanes of every subgroup of the GPU, a power of two from 4 on: a subgroup has 64 columns where there are at most eight, 256 of 32 */
export const matmulShuffleOf = (lanes: number) => {
  const quads = lanes < 16 ? 16 / lanes : 2;
  const sizes = { LANES: lanes, ROWS, QUADS: quads };
  return defineKernel('matmulShuffle', wgsl, (shape: StreamMatmulShape) => streamLaunch(shape, sizes, ROWS, 4 * lanes * quads));
};

export const matmulShuffle = matmulShuffleOf(32);
