import { conv } from '../../src/kernels/conv.ts';
import { convolutionBatchCases, convolutionCases } from './convolution.ts';

export const cases = [...convolutionCases(conv), ...convolutionBatchCases(conv)];
