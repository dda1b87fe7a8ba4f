import type { Dtype } from '../../src/kernels/kernel.ts';
import { layerNorm } from '../../src/kernels/layerNorm.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf } from './storage.ts';
import { layerNorm as expectedOf, streamOf } from './streams.ts';

function normCase(name: string, rows: number, inner: number, dtype: Dtype = 'f32', value = (v: number) => v): KernelCase {
  const eps = 1e-6;
  return {
    name: `${name}: ${rows} x ${inner}${dtype === 'f16' ? ', float16' : ''}`,
    bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const x = randomValues(rows * inner, 1).map(value);
      const [g, beta] = [randomValues(inner, 2), randomValues(inner, 3)] as const;
      const inputs = { x: streamOf(x, inner), n: Float32Array.of(...g, ...beta) };
      const y = await runKernel(device, layerNorm, { rows, inner, eps, dtype }, inputs, rows * inner, dtype);
      return { actual: numbersOf(y, dtype), expected: expectedOf(x, g, beta, eps) };
    },
  };
}

export const cases: KernelCase[] = [
  normCase('ConvNeXt, stage 1', 784, 128),
  normCase('ConvNeXt, stage 3', 196, 512),
  normCase('rows that do not fill a workgroup', 3, 64),
  normCase('far from zero', 60, 256, 'f32', (v) => 60 + v),
  normCase('ConvNeXt, stage 2', 196, 256, 'f16'),
];
