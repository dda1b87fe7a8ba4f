import { matmulSubgroup } from '../../src/kernels/matmul/matmulSubgroup.ts';
import { productCases, streamCases } from './product.ts';
import type { KernelCase } from './run.ts';

export const cases: KernelCase[] = [...productCases(matmulSubgroup), ...streamCases(matmulSubgroup)].map((one) => ({
  ...one,
  features: ['subgroups', ...(one.features ?? [])],
  lanes: 4,
}));
