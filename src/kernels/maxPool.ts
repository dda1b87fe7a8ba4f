import { inRows, list } from './answer.ts';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import wgsl from './maxPool.wgsl';
import finite from './parts/finite.wgsl';

export interface MaxPoolShape extends Images {
  /** Side of the output, half of x's. */
  side: number;
  /** How many channels a map has, a multiple of 4. */
  channels: number;
  /** How x and y are stored; float32 by default. */
  dtype?: Dtype;
}

export const maxPool = defineKernel(
  'maxPool',
  [wgsl, finite],
  ({ images = 1, side, channels, dtype = 'f32' }: MaxPoolShape) => ({
    constants: { SIDE: side, CHANNELS: channels },
    machine: { elem: dtype },
    workgroups: [tiles((side * side * channels) / 4, 64), 1, images],
    macs: 0,
  }),
  ({ side, channels }, { x }) =>
    inRows(channels, (place, c) => {
      const [top, left] = [Math.floor(place / side) * 2 - 1, (place % side) * 2 - 1];
      const at = (tap: number) => Math.max(0, top + Math.floor(tap / 3)) * 2 * side + Math.max(0, left + (tap % 3));
      return Math.max(...list(9, (tap) => x(at(tap) * channels + c)));
    }),
);
