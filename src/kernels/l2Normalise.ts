import { defineKernel } from './kernel.ts';
import wgsl from './l2Normalise.wgsl';

export interface L2NormaliseShape {
  /** Vectors, one of each image; 1 by default. */
  images?: number;
  length: number;
}

export const l2Normalise = defineKernel('l2Normalise', wgsl, ({ images = 1, length }: L2NormaliseShape) => ({
  constants: { LENGTH: length },
  workgroups: [images, 1, 1],
  macs: images * 2 * length,
}));
