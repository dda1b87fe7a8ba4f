import { describe, expect, it } from 'vitest';
import { agreement, failures, steadyOf } from '../../bench/peers/report.ts';
import { nmse } from '../../src/tune/nmse.ts';

const side = (name: string, frames: number[], values: number[]) => ({
  side: name,
  frames,
  outputs: new Map([['age', Float32Array.from(values)]]),
});
const expected = new Map([['age', { shape: [1, 4], step: 2, values: Float32Array.of(1, 3) }]]);
const bounds = { name: 'here', atLeast: 2, against: 'peer' };

function judged(sides: ReturnType<typeof side>[]): string[] {
  return failures({ ...bounds, sides, agreement: agreement(sides, expected) });
}

describe('a comparison', () => {
  it('takes the median of the frames after the cold one', () => {
    expect(steadyOf({ frames: [100, 3, 1, 2] })).toBe(2);
    expect(steadyOf({ frames: [100, 3, 1] })).toBe(2);
  });

  it('passes when all agree and the engine is fast enough', () => {
    expect(judged([side('engine', [9, 1], [1, 2, 3, 4]), side('peer', [9, 2], [1, 2, 3, 4])])).toEqual([]);
  });

  it('fails when the engine is too slow, by the steady frames alone', () => {
    expect(judged([side('engine', [1, 1], [1, 2, 3, 4]), side('peer', [99, 1.9], [1, 2, 3, 4])])).toEqual([
      'here: 1.90 times as fast as peer; it has to be 2 times',
    ]);
  });

  it('fails when a side is off the reference, or the sides differ where the reference is silent', () => {
    const off = judged([side('engine', [1, 1], [1.1, 2, 3, 4]), side('peer', [1, 3], [1, 2, 3, 4])]);
    expect(off).toHaveLength(2);
    expect(off[0]).toContain('engine and reference');
    const apart = judged([side('engine', [1, 1], [1, 2, 3, 4]), side('peer', [1, 3], [1, 9, 3, 4])]);
    expect(apart).toHaveLength(1);
    expect(apart[0]).toContain('peer and engine');
  });

  it('fails on a number that is none', () => {
    expect(judged([side('engine', [1, 1], [Number.NaN, 2, 3, 4]), side('peer', [1, 3], [1, 2, 3, 4])])).not.toEqual([]);
  });
});

describe('nmse', () => {
  it('compares every step-th number', () => {
    expect(nmse([1, 9, 2, 9, 2], [1, 2, 3], 2)).toBeCloseTo(1 / 14, 12);
    expect(() => nmse([1, 2, 3], [1], 1)).toThrow(RangeError);
  });
});
