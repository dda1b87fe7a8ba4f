import { inRows, kept, list, momentsOf, relu } from './answer.ts';
import wgsl from './instanceNorm.wgsl';
import { type Dtype, defineKernel, type Images } from './kernel.ts';
import finite from './parts/finite.wgsl';

export interface InstanceNormShape extends Images {
  /** How many pixels one map has. */
  pixels: number;
  /** How many channels a map has, a multiple of 4. */
  channels: number;
  eps: number;
  /** How x and y are stored; float32 by default. */
  dtype?: Dtype;
}

/**
 * @param threads of a workgroup
 * @param ahead pixels that a thread has on their way at a time
 */
const of = (threads: number, ahead: number) =>
  defineKernel(
    'instanceNorm',
    [wgsl, finite],
    ({ images = 1, pixels, channels, eps, dtype = 'f32' }: InstanceNormShape) => ({
      constants: { PIXELS: pixels, CHANNELS: channels, EPS: eps },
      machine: { THREADS: threads, AHEAD: ahead, elem: dtype },
      workgroups: [channels / 4, 1, images],
      macs: images * pixels * channels * 3,
    }),
    ({ pixels, channels, eps }, { x }) => {
      const moments = kept((c) => momentsOf(list(pixels, (pixel) => x(pixel * channels + c))));
      return inRows(channels, (pixel, c) => relu(x(pixel * channels + c) - moments(c).mean) / Math.sqrt(moments(c).squares / pixels + eps));
    },
  );

export const instanceNorm = of(256, 7);

/** The variant for GPUs with fewer registers, and for CPUs that run WebGPU. */
export const instanceNormSmall = of(128, 1);
