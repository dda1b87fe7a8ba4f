import type { GpuKernels } from '../../kernels/roles.ts';
import type { Target } from '../target.ts';

export interface FusedTarget extends Target {
  readonly kernels: GpuKernels;
}
