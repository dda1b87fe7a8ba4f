/**
 * Kernels for adapters that have fewer registers than AMD's and NVIDIA's: GPUs of phones, Intel's and Apple's, and CPUs that run WebGPU. Most
 * read operands from storage into registers, without workgroup memory. An entry of its own, so that an app on another GPU never loads them.
 */
import { convInTime } from './conv/conv.ts';
import { convRegisters } from './conv/convRegisters.ts';
import { convSubgroup } from './conv/convSubgroup.ts';
import { embedSmall } from './embed.ts';
import { faceUpdateInTime, faceUpdateSmall } from './faceUpdate.ts';
import type { Kernel } from './kernel.ts';
import { matmulWith, tileOf } from './matmul/matmul.ts';
import { matmulRegisters, matmulRegistersSmall, matmulRegistersWide } from './matmul/matmulRegisters.ts';
import { matmulSubgroup } from './matmul/matmulSubgroup.ts';
import { parseInTime, parseSmall } from './parse.ts';
import { type GpuKernels, gpuKernels } from './set.ts';
import { directSharesOf, taskToFaceDirect } from './taskToFaceDirect.ts';
import { tokenUpdateSmall } from './tokenUpdate.ts';
import { windowAttentionDirect } from './windowAttentionDirect.ts';
import { windowAttentionScores } from './windowAttentionScores.ts';

/** One dispatch a product or convolution: so few processors have enough to do with its tiles. */
export const whole = <Shape>(kernel: Kernel<Shape>): { kernel: Kernel<Shape>; sharesOf(shape: Shape): number } => ({
  kernel,
  sharesOf: () => 1,
});

/** A step's weights are read when it is due. */
const inTime = { faceUpdate: faceUpdateInTime, parse: parseInTime };

/** For Adreno: operands straight from storage, and scores in workgroup memory where sums would fill the registers. */
export const adrenoKernels: GpuKernels = {
  ...gpuKernels,
  matmul: whole(matmulRegisters),
  windowAttention: windowAttentionScores,
  conv: whole(convRegisters),
  ...inTime,
};

/** For Mali: so too, and fewer registers a thread. */
export const maliKernels: GpuKernels = {
  ...adrenoKernels,
  matmul: whole(matmulRegistersSmall),
  embed: embedSmall,
  faceUpdate: faceUpdateSmall,
  parse: parseSmall,
};

/**
 * For Intel, whose compilers give a thread of 16 lanes 64 registers, or of 8 lanes 128: tiles of 7 x 8 spill hundreds of values there, those
 * of 4 x 4 none.
 */
export const intelKernels: GpuKernels = { ...adrenoKernels, matmul: whole(matmulRegistersSmall) };

/** For Apple, whose threads have 128 registers at most: a step is read when it is due. */
export const appleKernels: GpuKernels = {
  ...gpuKernels,
  matmul: whole(matmulWith(() => tileOf('32x64', '4x4', true))),
  conv: whole(convInTime),
  ...inTime,
};

/** For CPUs (lavapipe): a barrier switches threads there, and a load of eight lanes is eight loads. */
export const softwareKernels: GpuKernels = { ...adrenoKernels, matmul: whole(matmulRegistersWide) };

/**
 * For CPUs whose subgroups are of exactly four lanes (SwiftShader), of which a workgroup is one or needs none: no barrier, and no workgroup
 * memory, whose every number takes as long to compile there as a row of a kernel.
 */
export const subgroupKernels: GpuKernels = {
  ...softwareKernels,
  matmul: whole(matmulSubgroup),
  windowAttention: windowAttentionDirect,
  taskToFace: taskToFaceDirect,
  sharesOf: directSharesOf,
  conv: whole(convSubgroup),
  embed: embedSmall,
  tokenUpdate: tokenUpdateSmall,
};

/** By WebGPU's name of the vendor; `software` for CPUs, whoever made them. */
export const kernelsByVendor: Readonly<Record<string, GpuKernels>> = {
  software: softwareKernels,
  qualcomm: adrenoKernels,
  arm: maliKernels,
  intel: intelKernels,
  apple: appleKernels,
};
