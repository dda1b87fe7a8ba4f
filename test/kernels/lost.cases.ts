import { lost } from '../../src/kernels/lost.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';
import { stored } from './storage.ts';

/** One number among many, and whether it is found; float16's are told as such, though a device needs no float16 for it. */
function lostCase(dtype: 'f32' | 'f16', value: number, at: number): KernelCase {
  return {
    name: `${value} as number ${at} of 9001, ${dtype}`,
    bound: 'exact',
    async run(device) {
      const values = randomValues(9002, 3).map((v) => 6e4 * v);
      values[at] = value;
      // float16 of what it cannot hold is made by its bits: no stored weight may be.
      const x =
        dtype === 'f32'
          ? values
          : Uint16Array.from(
              stored(
                values.map((v) => (Number.isFinite(v) ? v : 0)),
                'f16',
              ) as Uint16Array,
            );
      if (dtype === 'f16' && !Number.isFinite(value)) x[at] = Number.isNaN(value) ? 0x7e01 : value > 0 ? 0x7c00 : 0xfc00;
      const y = new Uint32Array(await runKernel(device, lost, { dtype }, { x }, 1, 'f32', new Uint32Array(1)));
      const isLost = !(Math.abs(value) < (dtype === 'f32' ? 2 ** 64 : Infinity));
      return { actual: y, expected: [Number(isLost)] };
    },
  };
}

export const cases: KernelCase[] = [
  lostCase('f32', Number.NaN, 0),
  lostCase('f32', Infinity, 9001),
  lostCase('f32', -Infinity, 4097),
  lostCase('f32', 2 ** 64, 5000),
  lostCase('f32', -(2 ** 64) * (1 - 2 ** -24), 5001),
  lostCase('f16', Number.NaN, 9001),
  lostCase('f16', -Infinity, 8192),
  lostCase('f16', 65504, 77),
];
