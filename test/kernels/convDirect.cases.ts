import { convDirect } from '../../src/kernels/convDirect.ts';
import { convolutionCases } from './convolution.ts';

export const cases = convolutionCases(convDirect);
