import { defineKernel, tiles } from './kernel.ts';
import wgsl from './patchEmbed.wgsl';

export interface PatchEmbedShape {
  /** Side of the square input in pixels, a multiple of 4. */
  size: number;
  channels: number;
}

export const patchEmbed = defineKernel('patchEmbed', wgsl, ({ size, channels }: PatchEmbedShape) => ({
  constants: { SIZE: size, CHANNELS: channels },
  workgroups: [tiles((size / 4) ** 2, 14), 1, 1],
  macs: (size / 4) ** 2 * 48 * channels,
}));

/** The convolution's weight [channels, 3, 4, 4] as the kernel reads it: [48][channels]. */
export function packPatchWeight(weight: ArrayLike<number>, channels: number): Float32Array {
  const packed = new Float32Array(channels * 48);
  for (let c = 0; c < channels; c++) for (let k = 0; k < 48; k++) packed[k * channels + c] = weight[c * 48 + k] as number;
  return packed;
}
