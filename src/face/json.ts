/** A face as JSON: the same members, with plain arrays in place of typed ones. */
import { given } from '../gpu/given.ts';
import type { Face } from './results.ts';

/** A value with plain arrays in place of typed ones, however deep. */
export type Plain<Value> = Value extends Float32Array | Uint8Array
  ? number[]
  : Value extends object
    ? { [Name in keyof Value]: Plain<Value[Name]> }
    : Value;

export type FaceJson = Plain<Face>;

/** A face of any network, with whatever an option or a session adds to it. `JSON.stringify` alone would write typed arrays as objects with number keys. */
export const faceToJson = <Found extends Pick<Face, 'box'>>(face: Found): Plain<Found> =>
  given('faceToJson() takes a face as analyze() gives it.', () => plain(face)) as Plain<Found>;

function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return numbersOf(value as Float32Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

/** As `Array.from`, which asks an iterator for each of a mask's 50,000 numbers. */
function numbersOf(values: ArrayLike<number>): number[] {
  const numbers = new Array<number>(values.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = values[i] as number;
  return numbers;
}
