import { conv, convInTime, convWith } from '../../src/kernels/conv/conv.ts';
import { tileOf } from '../../src/kernels/matmul/matmul.ts';
import { convolutionBatchCases, convolutionCases, convolutionShareCases } from './convolution.ts';

const others = [
  ['steps in time', convInTime],
  ['a tile of 64 x 64', convWith(() => tileOf('64x64', '4x4'))],
  ['a tile of 16 x 64', convWith(() => tileOf('16x64', '4x4'))],
  ['a tile of 16 x 128', convWith(() => tileOf('16x128', '4x4'))],
  ['a tile of 56 x 64, 7 x 8 a thread', convWith(() => tileOf('56x64', '7x8'))],
] as const;

const otherCases = others.flatMap(([said, kernel]) =>
  convolutionCases(kernel)
    .filter(({ name }) => /^(everything|second of a block:)/.test(name))
    .map((one) => ({ ...one, name: `${one.name}, ${said}` })),
);

export const cases = [...convolutionCases(conv), ...convolutionBatchCases(conv), ...convolutionShareCases(conv), ...otherCases];
