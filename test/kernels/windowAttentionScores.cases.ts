import { windowAttentionScores } from '../../src/kernels/windowAttention/windowAttentionScores.ts';
import { windowBatchCases, windowCases, windowSharesCases } from './windows.ts';

export const cases = [
  ...windowCases(windowAttentionScores),
  ...windowBatchCases(windowAttentionScores),
  ...windowSharesCases(windowAttentionScores).slice(0, 1), // its compiling takes long
];
