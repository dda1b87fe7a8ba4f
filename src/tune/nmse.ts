/**
 * Normalised mean squared error, sum((a - b)^2) / sum(b^2), over every `step`-th number of `actual`: how far everything that is compared
 * here may be off. NaN where something is no number, and where both sides are nothing but zeros.
 * @throws RangeError when there are not as many numbers as expected
 */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>, step = 1): number {
  if (Math.ceil(actual.length / step) !== expected.length)
    throw new RangeError(`every ${step} of ${actual.length} numbers against ${expected.length}`);
  let differences = 0;
  let squares = 0;
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] as number;
    differences += ((actual[i * step] as number) - value) ** 2;
    squares += value ** 2;
  }
  return differences / squares;
}
