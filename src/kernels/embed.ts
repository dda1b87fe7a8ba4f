import { byteOf, dot, inRows, kept, list, normed } from './answer.ts';
import wgsl from './embed.wgsl';
import { defineKernel, type Images, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';

export interface EmbedShape extends Images {
  /** Side of the square input in pixels, a multiple of 4. */
  size: number;
  eps: number;
}

/** Channels of the patches: the kernel's CHANNELS. */
export const EMBED_CHANNELS = 128;

/** @param each patches of a thread */
const of = (each: number) =>
  defineKernel(
    'embed',
    [wgsl, finite],
    ({ size, eps, images = 1 }: EmbedShape) => ({
      constants: { SIZE: size, EPS: eps },
      machine: { EACH: each },
      workgroups: [tiles(images * (size / 4) ** 2, 2 * each), 1, 1],
      macs: images * (size / 4) ** 2 * 48 * EMBED_CHANNELS,
    }),
    ({ size, eps }, { x, lookup, w, n }) => {
      const rowOf = kept((patch) => {
        const corner = 4 * (Math.floor(patch / (size / 4)) * size + (patch % (size / 4)));
        const pixels = list(48, (k) => lookup(256 * (k >> 4) + byteOf(x(corner + ((k >> 2) % 4) * size + (k % 4)), k >> 4)));
        const sums = list(EMBED_CHANNELS, (c) => n(c) + dot(pixels, w, c, EMBED_CHANNELS));
        return normed(sums, eps, n, EMBED_CHANNELS);
      });
      return inRows(EMBED_CHANNELS, (patch, c) => rowOf(patch)[c] as number, true);
    },
  );

export const embed = of(7);

/** The variant for Mali, whose threads have 64 registers, and for CPUs, which compile it in half the time. */
export const embedSmall = of(2);
