/**
 * The kernels that have more than one form, as one choice: which form is fast is a property of the adapter, and the model's files do
 * not know it. Kernels of one role take the same shapes and bindings and give the same tensors.
 */
import type { ConvShape } from './conv.ts';
import { conv } from './conv.ts';
import { convRegisters } from './convRegisters.ts';
import type { FaceToTaskShape } from './faceToTask.ts';
import { faceToTask } from './faceToTask.ts';
import type { Kernel } from './kernel.ts';
import { type LayerNormShape, layerNorm } from './layerNorm.ts';
import { type MatmulShape, matmul } from './matmul.ts';
import { sharesOf, type TaskToFaceShape, taskToFace } from './taskToFace.ts';
import { type WindowAttentionShape, windowAttention } from './windowAttention.ts';
import { windowAttentionScores } from './windowAttentionScores.ts';

export interface KernelSet {
  readonly matmul: Kernel<MatmulShape>;
  readonly layerNorm: Kernel<LayerNormShape>;
  readonly windowAttention: Kernel<WindowAttentionShape>;
  readonly taskToFace: Kernel<TaskToFaceShape>;
  /** In how many shares of the keys `taskToFace` leaves each query and head. */
  readonly sharesOf: (shape: TaskToFaceShape) => number;
  readonly faceToTask: Kernel<FaceToTaskShape>;
  readonly conv: Kernel<ConvShape>;
}

/** For GPUs: tiles in workgroup memory. */
export const gpuKernels: KernelSet = { matmul, layerNorm, windowAttention, taskToFace, sharesOf, faceToTask, conv };

/** For phones (Adreno, Mali): forms that fit 64 registers and want little of workgroup memory; the others are those for every GPU. */
export const phoneKernels: KernelSet = { ...gpuKernels, windowAttention: windowAttentionScores, conv: convRegisters };
