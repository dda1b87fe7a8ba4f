import wgsl from './instanceNorm.wgsl';
import { type Dtype, defineKernel } from './kernel.ts';

export interface InstanceNormShape {
  /** Whose maps lie one after the other; 1 by default. */
  images?: number;
  /** Of one map. */
  pixels: number;
  /** A multiple of 4. */
  channels: number;
  eps: number;
  /** Of x and y; float32 by default. */
  dtype?: Dtype;
}

export const instanceNorm = defineKernel(
  'instanceNorm',
  wgsl,
  ({ images = 1, pixels, channels, eps, dtype = 'f32' }: InstanceNormShape) => ({
    constants: { PIXELS: pixels, CHANNELS: channels, EPS: eps },
    machine: { elem: dtype },
    workgroups: [channels / 4, 1, images],
    macs: images * pixels * channels * 3,
  }),
);
