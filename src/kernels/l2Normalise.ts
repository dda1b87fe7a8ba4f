import { sum } from './answer.ts';
import { defineKernel, type Images } from './kernel.ts';
import wgsl from './l2Normalise.wgsl';
import finite from './parts/finite.wgsl';

export interface L2NormaliseShape extends Images {
  length: number;
}

export const l2Normalise = defineKernel(
  'l2Normalise',
  [wgsl, finite],
  ({ images = 1, length }: L2NormaliseShape) => ({
    constants: { LENGTH: length },
    workgroups: [images, 1, 1],
    macs: images * 2 * length,
  }),
  ({ length }, { x }) =>
    (i) =>
      x(i) / Math.max(Math.sqrt(sum(length, (k) => x(k) ** 2)), 1e-12),
);
