/**
 * The kernels that have more than one form, as one choice: which form is fast is a property of the adapter, and the model's files do
 * not know it. Kernels of one role take the same shapes and bindings and give the same tensors.
 */
import { type ConvShape, conv } from './conv.ts';
import { convRegisters } from './convRegisters.ts';
import { type EmbedShape, embed, embedSmall } from './embed.ts';
import { type FaceUpdateShape, faceUpdate, faceUpdateSmall } from './faceUpdate.ts';
import type { Kernel } from './kernel.ts';
import { matmul, type StreamMatmulShape } from './matmul.ts';
import { matmulRegisters, matmulRegistersSmall } from './matmulRegisters.ts';
import { type ParseShape, parse, parseSmall } from './parse.ts';
import { sharesOf, type TaskToFaceShape, taskToFace } from './taskToFace.ts';
import { type WindowAttentionShape, windowAttention } from './windowAttention.ts';
import { windowAttentionScores } from './windowAttentionScores.ts';

export interface KernelSet {
  readonly matmul: Kernel<StreamMatmulShape>;
  readonly windowAttention: Kernel<WindowAttentionShape>;
  readonly taskToFace: Kernel<TaskToFaceShape>;
  /** In how many shares of the keys `taskToFace` leaves each query and head. */
  readonly sharesOf: (shape: TaskToFaceShape) => number;
  readonly conv: Kernel<ConvShape>;
}

/** What the fused lowering takes besides. */
export interface GpuKernels extends KernelSet {
  readonly embed: Kernel<EmbedShape>;
  readonly faceUpdate: Kernel<FaceUpdateShape>;
  readonly parse: Kernel<ParseShape>;
}

/** For desktop GPUs: tiles in workgroup memory. */
export const gpuKernels: GpuKernels = { matmul, windowAttention, taskToFace, sharesOf, conv, embed, faceUpdate, parse };

/** For Adreno: operands straight from storage, and scores in workgroup memory where sums would fill the registers. */
export const adrenoKernels: GpuKernels = {
  ...gpuKernels,
  matmul: matmulRegisters,
  windowAttention: windowAttentionScores,
  conv: convRegisters,
};

/** For Mali: so too, and few registers a thread. */
export const maliKernels: GpuKernels = {
  ...adrenoKernels,
  matmul: matmulRegistersSmall,
  embed: embedSmall,
  faceUpdate: faceUpdateSmall,
  parse: parseSmall,
};
