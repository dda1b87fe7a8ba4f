import { convSubgroup } from '../../src/kernels/convSubgroup.ts';
import { convolutionCases } from './convolution.ts';
import type { KernelCase } from './run.ts';

export const cases: KernelCase[] = convolutionCases(convSubgroup).map((one) => ({ ...one, features: ['subgroups'] }));
