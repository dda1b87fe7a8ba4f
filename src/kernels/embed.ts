import wgsl from './embed.wgsl';
import { defineKernel, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';

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
  defineKernel('embed', [wgsl, finite], ({ size, eps, images = 1 }: EmbedShape) => ({
    constants: { SIZE: size, EPS: eps },
    machine: { EACH: each },
    workgroups: [tiles(images * (size / 4) ** 2, 2 * each), 1, 1],
    macs: images * (size / 4) ** 2 * 48 * EMBED_CHANNELS,
  }));

export const embed = of(7);

/** The variant for Mali, whose threads have 64 registers. */
export const embedSmall = of(2);
