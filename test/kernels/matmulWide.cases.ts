import { matmulWide } from '../../src/kernels/matmul/matmulWide.ts';
import { productCases, streamCases } from './product.ts';

export const cases = [...productCases(matmulWide), ...streamCases(matmulWide)];
