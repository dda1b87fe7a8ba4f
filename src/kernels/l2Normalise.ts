import { defineKernel } from './kernel.ts';
import wgsl from './l2Normalise.wgsl';

export const l2Normalise = defineKernel('l2Normalise', wgsl, ({ length }: { length: number }) => ({
  constants: { LENGTH: length },
  workgroups: [1, 1, 1],
  macs: 2 * length,
}));
