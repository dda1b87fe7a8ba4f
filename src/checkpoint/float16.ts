/** float16 on the CPU: to it, as WGSL leaves the direction of rounding open, and from it. */
import { type FaceXFormerError, wrongWeights } from '../gpu/errors.ts';

/**
 * The bits of float16 values, rounded to nearest even.
 * @throws FaceXFormerError WRONG_WEIGHTS if one is infinite, NaN or above 65504
 */
export function toFloat16(values: Float32Array, name = 'the tensor'): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(new ArrayBuffer(4 * Math.ceil(values.length / 2)), 0, values.length); // a queue writes whole words
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i] as number;
    const magnitude = word & 0x7fffffff;
    // 65520 and above round to infinity.
    if (magnitude >= 0x477ff000) throw unfit(name, values[i] as number, 'float16');
    const sign = (word >>> 16) & 0x8000;
    // Below 2^-14 the steps are 2^-24 wide: adding 0.5 in float32 rounds to just that step, to nearest even.
    if (magnitude < 0x38800000) out[i] = sign | ((Math.fround(Math.abs(values[i] as number) + 0.5) - 0.5) * 2 ** 24);
    else out[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  return out;
}

/**
 * Looks at the bits, four at a time, which takes half a millisecond a million.
 * @throws FaceXFormerError WRONG_WEIGHTS: a number is infinite, none, or so large that no product of it tells anything
 */
export function mustBeFinite(name: string, values: Float32Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const below = 0x5f7fffff; // the bits of the largest number below 2^64, the square of which is none in float32
  const magnitude = 0x7fffffff;
  const fours = bits.length & ~3; // a look beyond the end would make all of them three times as slow
  let i = 0;
  for (; i < fours; i += 4) {
    const p = below - ((bits[i] as number) & magnitude); // negative where the number is beyond
    const q = below - ((bits[i + 1] as number) & magnitude);
    const r = below - ((bits[i + 2] as number) & magnitude);
    const s = below - ((bits[i + 3] as number) & magnitude);
    if ((p | q | r | s) < 0) break;
  }
  while (i < bits.length && ((bits[i] as number) & magnitude) <= below) i++;
  if (i < bits.length)
    throw wrongWeights(`${name} holds ${values[i]} as number ${i}, which is no weight: the file is damaged, or its training went astray.`);
}

/** What a number meets that the smaller type has no room for. */
export function unfit(name: string, value: number, type: string): FaceXFormerError {
  return wrongWeights(`${name} holds ${value}, which ${type} cannot hold. Keep these weights in f32.`);
}

/** The values of float16 bits: exact. */
export function fromFloat16(halves: Uint16Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const table = float16Table();
  for (let i = 0; i < bits.length; i++) bits[i] = table[halves[i] as number] as number;
}

/** Gives the values of float16 bits in an array of their own. */
export function float32Of(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  fromFloat16(halves, values);
  return values;
}

let float16Bits: Uint32Array | undefined;

/** The float32 bits of every float16, by its bits. */
function float16Table(): Uint32Array {
  if (float16Bits) return float16Bits;
  const value = new Float32Array(65536);
  const table = new Uint32Array(value.buffer);
  for (let h = 0; h < 65536; h++) {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 31) table[h] = ((h & 0x8000) << 16) | 0x7f800000 | (fraction << 13);
    else value[h] = exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  float16Bits = table;
  return table;
}
