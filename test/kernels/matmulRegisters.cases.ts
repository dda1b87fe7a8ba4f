import { matmulRegisters, matmulRegistersSmall, matmulRegistersWide } from '../../src/kernels/matmul/matmulRegisters.ts';
import { productCases, streamCases } from './product.ts';

export const cases = [
  ...productCases(matmulRegisters),
  ...streamCases(matmulRegisters),
  ...streamCases(matmulRegistersWide).map((one) => ({ ...one, name: `eight quads of columns a thread, ${one.name}` })),
  ...streamCases(matmulRegistersSmall).map((one) => ({ ...one, name: `four rows a thread, ${one.name}` })),
];
