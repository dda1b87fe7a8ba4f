import { normaliseLookup } from '../../src/image/resize.ts';
import { normalise } from '../../src/kernels/normalise.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

function normaliseCase(name: string, x: Uint32Array): KernelCase {
  const byte = (i: number, c: number): number => ((x[i] as number) >>> (8 * c)) & 255;
  const pixels = x.length;
  const planar = (value: (v: number, c: number) => number): Float64Array =>
    Float64Array.from({ length: 3 * pixels }, (_, i) => value(byte(i % pixels, Math.floor(i / pixels)), Math.floor(i / pixels)));
  return {
    name: `${name}: ${pixels} pixels`,
    bound: { nmse: 1e-14, maxAbs: 1e-6 },
    async run(device) {
      const y = await runKernel(device, normalise, { pixels }, { x, lookup: normaliseLookup() }, 3 * pixels);
      return { actual: new Float32Array(y), expected: planar((v, c) => (v / 255 - (MEAN[c] as number)) / (STD[c] as number)) };
    },
  };
}

const random = (count: number): Uint32Array => Uint32Array.from(randomValues(count, count), (v) => (v + 1) * 2 ** 31);

export const cases: KernelCase[] = [
  normaliseCase(
    'every byte in every channel',
    Uint32Array.from({ length: 256 }, (_, v) => (v | (v << 8) | (v << 16) | (v << 24)) >>> 0),
  ),
  normaliseCase('a picture', random(224 * 224)),
  normaliseCase('one pixel', random(1)),
  normaliseCase('a tail', random(131)),
];
