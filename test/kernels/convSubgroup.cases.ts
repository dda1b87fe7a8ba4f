import { convSubgroup } from '../../src/kernels/conv/convSubgroup.ts';
import { convolutionBatchCases, convolutionCases } from './convolution.ts';
import type { KernelCase } from './run.ts';

export const cases: KernelCase[] = [...convolutionCases(convSubgroup), ...convolutionBatchCases(convSubgroup)].map((one) => ({
  ...one,
  features: ['subgroups', ...(one.features ?? [])],
  lanes: 4,
}));
