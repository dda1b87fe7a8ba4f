import { l2Normalise } from '../../src/kernels/l2Normalise.ts';
import { type Bound, type KernelCase, randomValues, runKernel } from './run.ts';

/** The vector, and with `norm` its length alone: a systematic error of a few units in the last place would show there. */
function lengthCase(name: string, length: number, scale: number, bound: Bound, measure: 'vector' | 'norm' = 'vector'): KernelCase {
  return {
    name: `${name}: ${length} numbers`,
    bound,
    async run(device) {
      const x = randomValues(length, length).map((v) => v * scale);
      const y = new Float32Array(await runKernel(device, l2Normalise, { length }, { x }, length));
      const norm = Math.max(Math.hypot(...x), 1e-12);
      if (measure === 'norm') return { actual: [Math.hypot(...y)], expected: [1] };
      return { actual: y, expected: Float64Array.from(x, (v) => v / norm) };
    },
  };
}

const NORM: Bound = { nmse: 1e-12, maxAbs: 1e-6 };
const VECTOR: Bound = { nmse: 1e-12 };

/** Each image's vector by its own length. */
const batch: KernelCase = {
  name: 'a batch: 3 vectors of 100 numbers',
  bound: VECTOR,
  async run(device) {
    const x = randomValues(300, 1).map((v, i) => v * 10 ** Math.floor(i / 100));
    const y = await runKernel(device, l2Normalise, { images: 3, length: 100 }, { x }, 300);
    const norms = [0, 1, 2].map((i) => Math.hypot(...x.subarray(100 * i, 100 * (i + 1))));
    return { actual: new Float32Array(y), expected: Float64Array.from(x, (v, i) => v / (norms[Math.floor(i / 100)] as number)) };
  },
};

/** A vector of which a number is lost has no direction: all of it comes out lost. */
const lost: KernelCase = {
  name: 'numbers beyond 2^64: 512 numbers',
  bound: 'exact',
  async run(device) {
    const x = randomValues(512, 512).map((v) => v * 1e25);
    const y = new Float32Array(await runKernel(device, l2Normalise, { length: 512 }, { x }, 512));
    return { actual: [y.filter((v) => !(Math.abs(v) < 2 ** 64)).length], expected: [512] };
  },
};

export const cases: KernelCase[] = [
  batch,
  lost,
  lengthCase('an embedding', 512, 1, VECTOR),
  lengthCase('its norm', 512, 3, NORM, 'norm'),
  lengthCase('the norm of large numbers, whose squares overflow', 512, 5e18, NORM, 'norm'),
  lengthCase('the norm of small numbers, whose squares vanish', 512, 1e-10, NORM, 'norm'),
  lengthCase('shorter than the floor', 8, 1e-14, VECTOR),
  lengthCase('zeros', 512, 0, 'exact'),
  lengthCase('a tail', 300, 1, VECTOR),
  lengthCase('one number', 1, 5, VECTOR),
];
