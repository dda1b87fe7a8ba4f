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
