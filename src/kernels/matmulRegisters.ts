import { defineKernel, tiles } from './kernel.ts';
import { type StreamMatmulShape, streamMatmulConstants, TILE_COLS } from './matmul.ts';
import wgsl from './matmulRegisters.wgsl';

/** @param each rows of a thread */
const of = (each: number) =>
  defineKernel('matmulRegisters', wgsl, (shape: StreamMatmulShape) => {
    const { rows, inner, cols, images = 1, weightEach = false, dtypes } = shape;
    const abreast = weightEach ? images : 1;
    return {
      constants: streamMatmulConstants(shape),
      machine: { ROWS: each, ...dtypes },
      workgroups: [tiles(cols, TILE_COLS), tiles(rows / abreast, 4 * each), abreast],
      macs: rows * inner * cols,
    };
  });

export const matmulRegisters = of(7);

/** For Mali, whose threads have 64 registers. */
export const matmulRegistersSmall = of(4);
