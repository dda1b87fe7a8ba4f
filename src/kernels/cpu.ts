/**
 * Kernels for CPUs that run WebGPU and have subgroups of exactly four (SwiftShader): no barrier and no workgroup memory, wide register
 * tiles, and loads that four lanes share. For the plain lowering, one image at a time. An entry of its own, so that an app on a GPU
 * never loads them.
 */
import { convSubgroup } from './convSubgroup.ts';
import { crossAttentionDirect, directSharesOf, type FaceToTaskShape } from './crossAttentionDirect.ts';
import type { Kernel } from './kernel.ts';
import { type LayerNormShape, layerNormDirect } from './layerNormDirect.ts';
import { matmulSubgroup } from './matmul/matmulSubgroup.ts';
import type { KernelSet } from './set.ts';
import { windowAttentionDirect } from './windowAttentionDirect.ts';

export interface PlainKernels extends KernelSet {
  readonly layerNorm: Kernel<LayerNormShape>;
  readonly faceToTask: Kernel<FaceToTaskShape>;
}

export const cpuKernels: PlainKernels = {
  matmul: { kernel: matmulSubgroup, sharesOf: () => 1 },
  layerNorm: layerNormDirect,
  windowAttention: windowAttentionDirect,
  taskToFace: crossAttentionDirect,
  sharesOf: directSharesOf,
  faceToTask: crossAttentionDirect,
  conv: convSubgroup,
};
