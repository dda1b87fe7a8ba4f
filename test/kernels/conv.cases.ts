import { conv, convInTime } from '../../src/kernels/conv.ts';
import { convolutionBatchCases, convolutionCases } from './convolution.ts';

const inTime = convolutionCases(convInTime)
  .filter(({ name }) => /^(everything|second of a block:)/.test(name))
  .map((one) => ({ ...one, name: `${one.name}, steps in time` }));

export const cases = [...convolutionCases(conv), ...convolutionBatchCases(conv), ...inTime];
