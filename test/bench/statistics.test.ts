import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantile, summary } from '../../bench/page/statistics.ts';

const times = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('percentiles', () => {
  it('lie between neighbours by their distance', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.5)).toBe(3);
    expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5);
    expect(quantile([7], 0.99)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it('are ordered, whatever the order of the times', () => {
    fc.assert(
      fc.property(times, (values) => {
        const { least, p50, p95, p99, most } = summary(values);
        const ordered = [least, p50, p95, p99, most];
        expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
        expect([least, most]).toEqual([Math.min(...values), Math.max(...values)]);
        expect(summary([...values].reverse())).toMatchObject({ least, p50, p95, p99, most });
      }),
    );
  });

  it('are those of NumPy', () => {
    // numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6], [50, 95, 99]) is [3.5, 7.95, 8.79]
    const { p50, p95, p99, mean } = summary([3, 1, 4, 1, 5, 9, 2, 6]);
    expect(p50).toBeCloseTo(3.5);
    expect(p95).toBeCloseTo(7.95);
    expect(p99).toBeCloseTo(8.79);
    expect(mean).toBeCloseTo(3.875);
  });
});
