import { convRegisters, convRegistersSmall } from '../../src/kernels/conv/convRegisters.ts';
import { convolutionBatchCases, convolutionCases } from './convolution.ts';

export const cases = [
  ...convolutionCases(convRegisters),
  ...convolutionBatchCases(convRegisters),
  ...convolutionCases(convRegistersSmall)
    .filter(({ name }) => /preactivation/.test(name) && !/pool/.test(name))
    .map((one) => ({ ...one, name: `two rows a thread, ${one.name}` })),
];
