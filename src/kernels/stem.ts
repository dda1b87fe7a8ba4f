import { activated, byteOf, inRows, pixelOf, sum } from './answer.ts';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import { ACTIVATIONS, type MatmulShape } from './matmul/role.ts';
import activation from './parts/activation.wgsl';
import finite from './parts/finite.wgsl';
import gelu from './parts/gelu.wgsl';
import wgsl from './stem.wgsl';

export interface StemShape extends Images {
  /** Side of the output, half the picture's. */
  side: number;
  /** A multiple of 4, 64 at most. */
  channels: number;
  kernel: 3 | 7;
  activation?: MatmulShape['activation'];
  /** How w and y are stored; float32 by default. */
  dtypes?: Partial<Record<'weight' | 'output', Dtype>>;
}

/** Pixels of a workgroup, across and down. */
const EACH = 4;
const ROWS = 8;

export const stem = defineKernel(
  'stem',
  [wgsl, activation, gelu, finite],
  (shape: StemShape) => {
    const { images = 1, side, channels, kernel, activation: act = 'none', dtypes } = shape;
    return {
      constants: { SIDE: side, ACTIVATION: ACTIVATIONS.indexOf(act) },
      machine: { KERNEL: kernel, CHANNELS: channels, EACH, ROWS, ...dtypes },
      workgroups: [tiles(side, EACH), tiles(side, ROWS), images],
      macs: images * side * side * channels * 3 * kernel * kernel,
    };
  },
  ({ side, channels, kernel, activation }, { x, lookup, w, b }) =>
    inRows(channels, (place, c) => {
      const sums = sum(3 * kernel * kernel, (k) => {
        const colour = Math.floor(k / (kernel * kernel));
        const pixel = pixelOf(place, k % (kernel * kernel), side, kernel, 2);
        return pixel === undefined ? 0 : w(k * channels + c) * lookup(256 * colour + byteOf(x(pixel), colour));
      });
      return activated(activation, b(c) + sums);
    }),
);
