import { matmulRegisters, matmulRegistersSmall } from '../../src/kernels/matmul/matmulRegisters.ts';
import { productCases, streamCases } from './product.ts';

export const cases = [
  ...productCases(matmulRegisters),
  ...streamCases(matmulRegisters),
  ...streamCases(matmulRegistersSmall).map((one) => ({ ...one, name: `four rows a thread, ${one.name}` })),
];
