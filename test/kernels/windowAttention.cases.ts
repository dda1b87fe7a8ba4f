import { windowAttention } from '../../src/kernels/windowAttention/windowAttention.ts';
import { windowBatchCases, windowCases, windowSharesCases } from './windows.ts';

export const cases = [...windowCases(windowAttention), ...windowBatchCases(windowAttention), ...windowSharesCases(windowAttention)];
