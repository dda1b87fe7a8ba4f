/** Kernels for the GPUs of phones, an entry of its own, so that an app on a desktop never loads them. */
import { convRegisters } from './convRegisters.ts';
import { embedSmall } from './embed.ts';
import { faceUpdateSmall } from './faceUpdate.ts';
import { matmulRegisters, matmulRegistersSmall } from './matmulRegisters.ts';
import { parseSmall } from './parse.ts';
import { type GpuKernels, gpuKernels } from './set.ts';
import { windowAttentionScores } from './windowAttentionScores.ts';

/** For Adreno: operands straight from storage, and scores in workgroup memory where sums would fill the registers. */
export const adrenoKernels: GpuKernels = {
  ...gpuKernels,
  matmul: matmulRegisters,
  windowAttention: windowAttentionScores,
  conv: convRegisters,
};

/** For Mali: so too, and fewer registers a thread. */
export const maliKernels: GpuKernels = {
  ...adrenoKernels,
  matmul: matmulRegistersSmall,
  embed: embedSmall,
  faceUpdate: faceUpdateSmall,
  parse: parseSmall,
};
