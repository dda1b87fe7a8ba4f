/**
 * The kernels that have more than one form, as one choice: which form is fast is a property of the adapter, and the model's files do
 * not know it. Kernels of one role take the same shapes and bindings and give the same tensors.
 */
import { largeDesktopConv } from './conv/desktop.ts';
import type { Conv } from './conv/role.ts';
import { type EmbedShape, embed } from './embed.ts';
import { type FaceUpdateShape, faceUpdate } from './faceUpdate.ts';
import type { Kernel } from './kernel.ts';
import { largeDesktop } from './matmul/desktop.ts';
import type { Matmul } from './matmul/role.ts';
import { type ParseShape, parse } from './parse.ts';
import { sharesOf, type TaskToFaceShape, taskToFace } from './taskToFace.ts';
import { type TokenUpdateShape, tokenUpdate } from './tokenUpdate.ts';
import { type WindowAttentionShape, windowAttention } from './windowAttention.ts';

export interface KernelSet {
  readonly matmul: Matmul;
  readonly windowAttention: Kernel<WindowAttentionShape>;
  readonly taskToFace: Kernel<TaskToFaceShape>;
  /** In how many shares of the keys `taskToFace` leaves each query and head. */
  readonly sharesOf: (shape: TaskToFaceShape) => number;
  /** Of the paper form's hourglass. */
  readonly conv: Conv;
}

/** What the fused lowering takes besides. */
export interface GpuKernels extends KernelSet {
  readonly embed: Kernel<EmbedShape>;
  readonly faceUpdate: Kernel<FaceUpdateShape>;
  readonly parse: Kernel<ParseShape>;
  readonly tokenUpdate: Kernel<TokenUpdateShape>;
}

/** For desktop GPUs: tiles in workgroup memory. */
export const gpuKernels: GpuKernels = {
  matmul: largeDesktop,
  conv: largeDesktopConv,
  windowAttention,
  taskToFace,
  sharesOf,
  embed,
  faceUpdate,
  parse,
  tokenUpdate,
};
