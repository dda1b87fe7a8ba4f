import { defineKernel, tiles } from './kernel.ts';
import { type StreamMatmulShape, streamMatmulConstants, TILE_COLS } from './matmul.ts';
import wgsl from './matmulRegisters.wgsl';

/**
 * @param each rows of a thread
 * @param groups of rows in a workgroup, which has 16 threads for each: as many as it has rows, at least
 */
const of = (each: number, groups = 4) =>
  defineKernel('matmulRegisters', wgsl, (shape: StreamMatmulShape) => {
    const { rows, inner, cols, images = 1, weightEach = false, dtypes } = shape;
    const abreast = weightEach ? images : 1;
    return {
      constants: streamMatmulConstants(shape),
      machine: { GROUPS: groups, ROWS: each, ...dtypes },
      workgroups: [tiles(cols, TILE_COLS), tiles(rows / abreast, groups * each), abreast],
      macs: rows * inner * cols,
    };
  });

export const matmulRegisters = of(7);

/** For Mali, whose threads have 64 registers. */
export const matmulRegistersSmall = of(4);

/** For CPUs that run WebGPU: what all lanes read alike is read once. */
export const matmulRegistersWide = of(14, 1);
