import { conv } from '../../src/kernels/conv.ts';
import { convolutionCases } from './convolution.ts';

export const cases = convolutionCases(conv);
