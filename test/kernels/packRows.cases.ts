import { packWeight, paddedCols } from '../../src/kernels/matmul/role.ts';
import { type PackRowsShape, packRows } from '../../src/kernels/packRows.ts';
import { FLOAT16, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

/** The scales are powers of two, so that nothing is rounded but what is stored as float16. */
function packCase(name: string, shape: PackRowsShape): KernelCase {
  const { images = 1, cols, inner, scale, dtype = 'f32', weights = 'f32' } = shape;
  const more = [images > 1 && `, ${images} images`, dtype === 'f16' && ', float16', weights === 'f16' && ', float16 weights'];
  return {
    name: `${name}: ${cols} rows of ${inner}${more.filter((part) => part).join('')}`,
    bound: weights === 'f16' ? FLOAT16 : 'exact',
    ...featuresOf(dtype, weights),
    async run(device) {
      const x = randomValues(images * cols * inner, 1);
      const y = await runKernel(device, packRows, shape, { x: stored(x, dtype) }, images * paddedCols(cols) * inner, weights);
      const scaled = rounded(x, dtype).map((v) => v * scale);
      const expected = new Float32Array(images * paddedCols(cols) * inner);
      for (let i = 0; i < images; i++) {
        const rows = scaled.subarray(i * cols * inner, (i + 1) * cols * inner);
        expected.set(packWeight(rows, cols, inner), i * paddedCols(cols) * inner);
      }
      return { actual: numbersOf(y, weights), expected: rounded(expected, weights) };
    },
  };
}

export const cases: KernelCase[] = [
  packCase('landmark tokens', { cols: 68, inner: 256, scale: 1 / 16 }),
  packCase('one whole tile', { cols: 64, inner: 16, scale: 1 }),
  packCase('one row', { cols: 1, inner: 16, scale: 2 }),
  packCase('a batch', { images: 3, cols: 68, inner: 32, scale: 1 / 16 }),
  packCase('landmark tokens', { images: 2, cols: 68, inner: 256, scale: 1 / 16, dtype: 'f16', weights: 'f16' }),
  packCase('one row', { cols: 1, inner: 16, scale: 2, weights: 'f16' }),
];
