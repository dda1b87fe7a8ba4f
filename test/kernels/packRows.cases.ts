import { packWeight, paddedCols } from '../../src/kernels/matmul.ts';
import { type PackRowsShape, packRows } from '../../src/kernels/packRows.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

/** The scales are powers of two, so that nothing is rounded. */
function packCase(name: string, shape: PackRowsShape): KernelCase {
  const { cols, inner, scale } = shape;
  return {
    name: `${name}: ${cols} rows of ${inner}`,
    bound: 'exact',
    async run(device) {
      const x = randomValues(cols * inner, 1);
      const y = await runKernel(device, packRows, shape, { x }, paddedCols(cols) * inner);
      const expected = packWeight(
        x.map((v) => v * scale),
        cols,
        inner,
      );
      return { actual: new Float32Array(y), expected };
    },
  };
}

export const cases: KernelCase[] = [
  packCase('landmark tokens', { cols: 68, inner: 256, scale: 1 / 16 }),
  packCase('one whole tile', { cols: 64, inner: 16, scale: 1 }),
  packCase('one row', { cols: 1, inner: 16, scale: 2 }),
];
