import wgsl from './instanceNorm.wgsl';
import { defineKernel } from './kernel.ts';

export interface InstanceNormShape {
  pixels: number;
  /** A multiple of 4. */
  channels: number;
  eps: number;
}

export const instanceNorm = defineKernel('instanceNorm', wgsl, ({ pixels, channels, eps }: InstanceNormShape) => ({
  constants: { PIXELS: pixels, CHANNELS: channels, EPS: eps },
  workgroups: [channels / 4, 1, 1],
  macs: pixels * channels * 3,
}));
