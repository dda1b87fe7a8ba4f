import { layerNorm } from '../../src/kernels/layerNorm.ts';
import { normCases } from './norms.ts';

export const cases = normCases(layerNorm);
