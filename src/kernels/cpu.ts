/**
 * Kernels for CPUs that run WebGPU (SwiftShader): no barrier and no workgroup memory, wide register tiles. An entry of its own, so that
 * an app on a GPU never loads them.
 */
import { convDirect } from './convDirect.ts';
import { convSubgroup } from './convSubgroup.ts';
import { crossAttentionDirect, directSharesOf } from './crossAttentionDirect.ts';
import { layerNormDirect } from './layerNormDirect.ts';
import { matmulDirect } from './matmulDirect.ts';
import { matmulSubgroup } from './matmulSubgroup.ts';
import type { KernelSet } from './set.ts';
import { windowAttentionDirect } from './windowAttentionDirect.ts';

/** @param subgroupsOfFour whether lanes come in subgroups of exactly four, which then share their loads */
export const cpuKernels = (subgroupsOfFour: boolean): KernelSet => ({
  matmul: subgroupsOfFour ? matmulSubgroup : matmulDirect,
  layerNorm: layerNormDirect,
  windowAttention: windowAttentionDirect,
  taskToFace: crossAttentionDirect,
  sharesOf: directSharesOf,
  faceToTask: crossAttentionDirect,
  conv: subgroupsOfFour ? convSubgroup : convDirect,
});
