import { byteOf, inRows } from './answer.ts';
import { defineKernel, tiles } from './kernel.ts';
import wgsl from './normalise.wgsl';

export interface NormaliseShape {
  /** How many pixels one image has. */
  pixels: number;
  images?: number;
}

/** Bytes to the network's float32 numbers, planar, through a table of 768 values. */
export const normalise = defineKernel(
  'normalise',
  wgsl,
  ({ pixels, images = 1 }: NormaliseShape) => ({
    constants: { PIXELS: pixels },
    workgroups: [tiles(pixels, 64), images, 1],
    macs: 0,
  }),
  ({ pixels }, { x, lookup }) => inRows(pixels, (colour, pixel) => lookup(256 * colour + byteOf(x(pixel), colour))),
);
