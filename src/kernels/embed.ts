import { byteOf, dot, inRows, kept, list, normed } from './answer.ts';
import wgsl from './embed.wgsl';
import { defineKernel, type Images, tiles } from './kernel.ts';
import { FEWEST_THREADS } from './matmul/desktop.ts';
import finite from './parts/finite.wgsl';

export interface EmbedShape extends Images {
  /** Side of the square input in pixels, a multiple of 4. */
  size: number;
  eps: number;
}

/** Channels of the patches: the kernel's CHANNELS. */
export const EMBED_CHANNELS = 128;
const QUADS = EMBED_CHANNELS / 4;

/** @param eachOf patches of a thread, where there are so many */
const of = (eachOf: (patches: number) => number) =>
  defineKernel(
    'embed',
    [wgsl, finite],
    ({ size, eps, images = 1 }: EmbedShape) => {
      const patches = images * (size / 4) ** 2;
      const each = eachOf(patches);
      return {
        constants: { SIZE: size, EPS: eps },
        machine: { EACH: each },
        workgroups: [tiles(patches, 2 * each), 1, 1],
        macs: patches * 48 * EMBED_CHANNELS,
      };
    },
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

export const embed = of(() => 7);

/** The variant for GPUs of many processors, to which one picture's patches are few. */
export const embedWide = of((patches) => ((patches / 7) * QUADS < FEWEST_THREADS ? 4 : 7));

/** The variant for Mali, whose threads have 64 registers, and for CPUs, which compile it in half the time. */
export const embedSmall = of(() => 2);
