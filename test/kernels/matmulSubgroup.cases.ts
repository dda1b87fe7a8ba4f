import { matmulSubgroup } from '../../src/kernels/matmul/matmulSubgroup.ts';
import { productCases } from './product.ts';
import type { KernelCase } from './run.ts';

export const cases: KernelCase[] = productCases(matmulSubgroup).map((one) => ({ ...one, features: ['subgroups'] }));
