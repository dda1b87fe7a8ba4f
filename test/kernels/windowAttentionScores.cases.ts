import { windowAttentionScores } from '../../src/kernels/windowAttention/windowAttentionScores.ts';
import { windowBatchCases, windowCases, windowSharesCases } from './windows.ts';

const [shares] = windowSharesCases(windowAttentionScores);
export const cases = [...windowCases(windowAttentionScores), ...windowBatchCases(windowAttentionScores), ...(shares ? [shares] : [])];
