import { matmulDirect, matmulDirectSmall } from '../../src/kernels/matmulDirect.ts';
import { productCases, streamCases } from './product.ts';

export const cases = [
  ...productCases(matmulDirect),
  ...streamCases(matmulDirect),
  ...streamCases(matmulDirectSmall).map((one) => ({ ...one, name: `four rows a thread, ${one.name}` })),
];
