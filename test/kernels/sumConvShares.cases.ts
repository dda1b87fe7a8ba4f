import { sumConvShares } from '../../src/kernels/conv/sumConvShares.ts';
import { convolutionSumCases } from './convolution.ts';

export const cases = convolutionSumCases(sumConvShares);
