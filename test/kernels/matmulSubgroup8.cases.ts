import { matmulSubgroup8 } from '../../src/kernels/matmul/matmulSubgroup8.ts';
import { productCases, streamCases } from './product.ts';
import type { KernelCase } from './run.ts';

export const cases: KernelCase[] = [...productCases(matmulSubgroup8), ...streamCases(matmulSubgroup8)].map((one) => ({
  ...one,
  features: ['subgroups', ...(one.features ?? [])],
  lanes: 8,
}));
