import { matmul } from '../../src/kernels/matmul.ts';
import { productCases } from './product.ts';

export const cases = productCases(matmul);
