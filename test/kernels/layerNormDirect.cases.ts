import { layerNormDirect } from '../../src/kernels/layerNormDirect.ts';
import { normCases } from './norms.ts';

export const cases = normCases(layerNormDirect);
