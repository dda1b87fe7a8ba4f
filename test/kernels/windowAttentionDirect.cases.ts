import { windowAttentionDirect } from '../../src/kernels/windowAttention/windowAttentionDirect.ts';
import { windowBatchCases, windowCases } from './windows.ts';

export const cases = [...windowCases(windowAttentionDirect), ...windowBatchCases(windowAttentionDirect)];
