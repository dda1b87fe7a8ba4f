import { windowAttention } from '../../src/kernels/windowAttention.ts';
import { windowBatchCases, windowCases } from './windows.ts';

export const cases = [...windowCases(windowAttention), ...windowBatchCases(windowAttention)];
