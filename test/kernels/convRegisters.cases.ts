import { convRegisters } from '../../src/kernels/conv/convRegisters.ts';
import { convolutionBatchCases, convolutionCases } from './convolution.ts';

export const cases = [...convolutionCases(convRegisters), ...convolutionBatchCases(convRegisters)];
