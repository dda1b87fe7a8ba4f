import { windowAttentionDirect } from '../../src/kernels/windowAttentionDirect.ts';
import { windowCases } from './windows.ts';

export const cases = windowCases(windowAttentionDirect, 'plain');
