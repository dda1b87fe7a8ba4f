import wgsl from './embed.wgsl';
import { defineKernel, tiles } from './kernel.ts';

export interface EmbedShape {
  /** Side of the square input in pixels, a multiple of 4. */
  size: number;
  eps: number;
  images?: number;
}

/** Channels of the patches: the kernel's CHANNELS. */
export const EMBED_CHANNELS = 128;

/** @param each patches of a thread */
const of = (each: number) =>
  defineKernel('embed', wgsl, ({ size, eps, images = 1 }: EmbedShape) => ({
    constants: { SIZE: size, EPS: eps },
    machine: { EACH: each },
    workgroups: [tiles(images * (size / 4) ** 2, 2 * each), 1, 1],
    macs: images * (size / 4) ** 2 * 48 * EMBED_CHANNELS,
  }));

export const embed = of(7);

/** For Mali, whose threads have 64 registers. */
export const embedSmall = of(2);

/** The convolution's weight [channels, 3, 4, 4] as the kernels read it: [48][channels]. */
export function packPatchWeight(weight: ArrayLike<number>, channels: number): Float32Array {
  const packed = new Float32Array(channels * 48);
  for (let c = 0; c < channels; c++) for (let k = 0; k < 48; k++) packed[k * channels + c] = weight[c * 48 + k] as number;
  return packed;
}
