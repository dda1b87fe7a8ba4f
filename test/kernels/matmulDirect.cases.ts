import { matmulDirect } from '../../src/kernels/matmulDirect.ts';
import { productCases } from './product.ts';

export const cases = productCases(matmulDirect);
