import { type ExciteShape, excite } from '../../src/kernels/excite.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { packWeight, paddedCols, transposed } from '../../src/kernels/matmul/role.ts';
import { SQUEEZED } from '../../src/kernels/squeeze.ts';
import { dot, relu, rowsOf } from './float64.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

/** torch.nn.Hardsigmoid() */
const hardSigmoid = (x: number): number => Math.min(Math.max(x + 3, 0), 6) / 6;

function exciteCase(name: string, shape: ExciteShape, dtype: Dtype = 'f32'): KernelCase {
  const { images = 1, channels, hidden, cols } = shape;
  const shares = channels / SQUEEZED;
  return {
    name: `${name}: ${images} x ${channels} of ${hidden}, into a product to ${cols}${dtype === 'f16' ? ', float16' : ''}`,
    bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const h = randomValues(images * shares * hidden, 1);
      const weight = randomValues(channels * hidden, 2).map((v) => v / 2); // some factors are 0, some 1
      const [b, c] = [randomValues(hidden, 3), randomValues(channels, 4).map((v) => 4 * v)] as const;
      const p = randomValues(cols * channels, 5);
      const packed = packWeight(p, cols, channels);
      const w = stored(transposed(weight, channels, new Float32Array(weight.length)), dtype);
      const inputs = { h, w, n: Float32Array.of(...b, ...c), p: stored(packed, dtype) };
      const y = await runKernel(device, excite, { ...shape, dtype }, inputs, images * paddedCols(cols) * channels, dtype);
      const factors = rowsOf(rounded(weight, dtype), hidden);
      const exact = rounded(p, dtype);
      const expected = Array.from({ length: images }, (_, image) => {
        const layer = Float64Array.from({ length: hidden }, (_, k) => {
          let sum = b[k] as number;
          for (let s = 0; s < shares; s++) sum += h[(image * shares + s) * hidden + k] as number;
          return relu(sum);
        });
        const scaled = Float32Array.from(exact, (v, i) => {
          const channel = i % channels;
          return v * hardSigmoid(dot(factors[channel] as Float64Array, layer) + (c[channel] as number));
        });
        return [...packWeight(scaled, cols, channels)];
      }).flat();
      return { actual: numbersOf(y, dtype), expected };
    },
  };
}

export const cases: KernelCase[] = [
  exciteCase('MobileNet, first', { channels: 80, hidden: 24, cols: 40 }),
  exciteCase('MobileNet, last', { channels: 960, hidden: 240, cols: 160 }),
  exciteCase('three images', { images: 3, channels: 480, hidden: 120, cols: 112 }),
  exciteCase('sixteen channels', { channels: 16, hidden: 8, cols: 4 }),
  exciteCase('MobileNet', { images: 2, channels: 128, hidden: 32, cols: 40 }, 'f16'),
];
