import { defineKernel, type Images, tiles } from './kernel.ts';
import wgsl from './resize.wgsl';

export interface ResizeShape extends Images {
  /** Side of the square result, in pixels. */
  size: number;
}

const WORKGROUP = 64;
/** Output rows of one thread: the file's `ROWS`. */
const ROWS = 4;

/** Pillow's exact bicubic resize of crops of any sizes: one grid, whatever the crops. */
export const resize = defineKernel('resize', wgsl, ({ size, images = 1 }: ResizeShape) => ({
  constants: { SIZE: size },
  workgroups: [tiles(size * tiles(size, ROWS), WORKGROUP), images, 1],
  macs: 0,
}));

/** The kernel's packed pixels as [.., 3] bytes. */
export function unpackRgb(packed: Uint32Array): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array(packed.length * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = (packed[Math.floor(i / 3)] as number) >>> (8 * (i % 3));
  return rgb;
}
