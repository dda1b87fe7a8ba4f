import { type Dtype, defineKernel } from './kernel.ts';
import wgsl from './lost.wgsl';

/** Workgroups that look at a tensor, whatever its size. */
const GROUPS = 64;

export interface LostShape {
  /** How the tensor is stored. */
  dtype: Dtype;
}

export const lost = defineKernel('lost', wgsl, ({ dtype }: LostShape) => ({
  constants: { HALF: Number(dtype === 'f16') },
  workgroups: [GROUPS, 1, 1],
  macs: 0,
}));
