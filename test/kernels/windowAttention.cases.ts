import { windowAttention } from '../../src/kernels/windowAttention.ts';
import { windowCases } from './windows.ts';

export const cases = windowCases(windowAttention);
