import { matmulSubgroup, matmulSubgroup8 } from '../../src/kernels/matmul/matmulSubgroup.ts';
import { productCases, streamCases } from './product.ts';
import { inSubgroups, type KernelCase } from './run.ts';

const all = (kernel: typeof matmulSubgroup): KernelCase[] => [...productCases(kernel), ...streamCases(kernel)];

export const cases: KernelCase[] = [...inSubgroups(4, all(matmulSubgroup)), ...inSubgroups(8, all(matmulSubgroup8))];
