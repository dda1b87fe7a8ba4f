import { inRows, kept, sum } from './answer.ts';
import { type Dtype, defineKernel, type Images } from './kernel.ts';
import wgsl from './squeeze.wgsl';

export interface SqueezeShape extends Images {
  /** How many pixels one map has. */
  pixels: number;
  /** How many channels a map has, a multiple of 16. */
  channels: number;
  /** Outputs of the first layer, 256 at most. */
  hidden: number;
  /** How x and w are stored; float32 by default. */
  dtype?: Dtype;
}

/** Channels of a workgroup: the first layer's sums come in as many shares as there are of these. */
export const SQUEEZED = 16;

export const squeeze = defineKernel(
  'squeeze',
  wgsl,
  ({ images = 1, pixels, channels, hidden, dtype = 'f32' }: SqueezeShape) => ({
    constants: { PIXELS: pixels, CHANNELS: channels, HIDDEN: hidden },
    machine: { elem: dtype, weight: dtype },
    workgroups: [channels / SQUEEZED, images, 1],
    macs: images * channels * (pixels + hidden),
  }),
  ({ pixels, channels, hidden }, { x, w }) => {
    const mean = kept((channel) => sum(pixels, (pixel) => x(pixel * channels + channel)) / pixels);
    return inRows(hidden, (share, o) => sum(SQUEEZED, (i) => mean(SQUEEZED * share + i) * w((SQUEEZED * share + i) * hidden + o)));
  },
);
