import { matmul } from '../../src/kernels/matmul.ts';
import { productCases, streamCases } from './product.ts';

export const cases = [...productCases(matmul), ...streamCases(matmul)];
