import { windowAttentionScores } from '../../src/kernels/windowAttention/windowAttentionScores.ts';
import { windowBatchCases, windowCases } from './windows.ts';

export const cases = [...windowCases(windowAttentionScores), ...windowBatchCases(windowAttentionScores)];
