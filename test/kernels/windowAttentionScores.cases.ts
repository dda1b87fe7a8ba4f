import { windowAttentionScores } from '../../src/kernels/windowAttentionScores.ts';
import { windowBatchCases, windowCases } from './windows.ts';

export const cases = [...windowCases(windowAttentionScores), ...windowBatchCases(windowAttentionScores)];
