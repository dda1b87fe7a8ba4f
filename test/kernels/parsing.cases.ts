import { parsing } from '../../src/kernels/parsing.ts';
import { dot, nestedRow, rowsOf } from './float64.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

function parsingCase(name: string, side: number, classes: number): KernelCase {
  const wide = 4 * side;
  return {
    name: `${name}: side ${side}, ${classes} classes`,
    bound: { nmse: 1e-12 },
    async run(device) {
      const pixels = randomValues(wide * wide * 32, 1); // [wide][wide][32], as the picture lies
      const h = randomValues(classes * 32, 2);
      const nested = new Float32Array(pixels.length);
      for (let p = 0; p < wide * wide; p++)
        nested.set(pixels.subarray(p * 32, (p + 1) * 32), 32 * nestedRow(side, Math.floor(p / wide), p % wide, 2));
      const y = await runKernel(device, parsing, { side, classes }, { x: nested, h }, classes * wide * wide);
      const expected = rowsOf(h, 32).flatMap((kernel) => rowsOf(pixels, 32).map((pixel) => dot(kernel, pixel)));
      return { actual: new Float32Array(y), expected };
    },
  };
}

export const cases: KernelCase[] = [parsingCase('the model', 56, 11), parsingCase('a tail', 3, 11), parsingCase('one position', 1, 1)];
