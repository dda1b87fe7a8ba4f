import { defineKernel, tiles } from './kernel.ts';
import { type StreamMatmulShape, streamMatmulConstants } from './matmul.ts';
import wgsl from './matmulShuffle.wgsl';

const ROWS = 7;

/** @param lanes of every subgroup of the GPU, a power of two from 4 on: a subgroup has 64 columns where there are at most eight, 256 of 32 */
export const matmulShuffleOf = (lanes: number) =>
  defineKernel('matmulShuffle', wgsl, (shape: StreamMatmulShape) => {
    const { rows, inner, cols, images = 1, weightEach = false, dtypes } = shape;
    const abreast = weightEach ? images : 1;
    const quads = lanes < 16 ? 16 / lanes : 2;
    return {
      constants: streamMatmulConstants(shape),
      machine: { LANES: lanes, QUADS: quads, ...dtypes },
      workgroups: [tiles(cols, 4 * lanes * quads), tiles(rows / abreast, ROWS), abreast],
      macs: rows * inner * cols,
    };
  });

export const matmulShuffle = matmulShuffleOf(32);
