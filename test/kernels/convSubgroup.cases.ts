import { convSubgroup, convSubgroup8 } from '../../src/kernels/conv/convSubgroup.ts';
import { convolutionBatchCases, convolutionCases } from './convolution.ts';
import { inSubgroups, type KernelCase } from './run.ts';

const all = (kernel: typeof convSubgroup): KernelCase[] => [...convolutionCases(kernel), ...convolutionBatchCases(kernel)];

export const cases: KernelCase[] = [...inSubgroups(4, all(convSubgroup)), ...inSubgroups(8, all(convSubgroup8))];
