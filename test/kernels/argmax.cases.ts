import { argmax } from '../../src/kernels/argmax.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

function argmaxCase(name: string, pixels: number, classes: number, value: (random: number, c: number, p: number) => number): KernelCase {
  return {
    name: `${name}: ${classes} classes, ${pixels} pixels`,
    bound: 'exact',
    async run(device) {
      const x = randomValues(pixels * classes, 1).map((v, i) => value(v, Math.floor(i / pixels), i % pixels));
      const y = await runKernel(device, argmax, { pixels, classes }, { x }, pixels / 4);
      const expected = Array.from({ length: pixels }, (_, p) => {
        const column = Array.from({ length: classes }, (_, c) => x[c * pixels + p] as number);
        return Number.isFinite(column[0]) ? column.indexOf(Math.max(...column)) : 255;
      });
      return { actual: new Uint8Array(y), expected };
    },
  };
}

export const cases: KernelCase[] = [
  argmaxCase('the model', 224 * 224, 11, (v) => v),
  argmaxCase('ties', 1024, 11, (v) => Math.round(2 * v)),
  argmaxCase('all equal', 260, 11, () => -7),
  argmaxCase('all far below zero', 512, 11, (v) => -1e30 * (2 + v)),
  argmaxCase('each class highest in turn', 44, 11, (_, c, p) => (c === p % 11 ? 1 : 0)),
  argmaxCase('neighbouring numbers', 512, 5, (v) => 1 + 2 ** -23 * Math.round(2 * v)),
  argmaxCase('one class, four pixels', 4, 1, (v) => v),
  argmaxCase('no numbers at every third pixel', 512, 11, (v, _, p) => (p % 3 ? v : Number.NaN)),
];
