import { describe, expect, it } from 'vitest';
import { erfc, gelu, softmax } from './float64.ts';

const ERFC: [number, number][] = [
  [-5, 1.9999999999984626],
  [-2.5, 1.999593047982555],
  [-0.3, 1.3286267594591274],
  [0, 1.0],
  [0.001, 0.9988716212090307],
  [0.5, 0.4795001221869535],
  [1, 0.15729920705028513],
  [1.9, 0.0072095707647425325],
  [1.999, 0.004698443348629488],
  [2.001, 0.00465710928147535],
  [2.5, 0.0004069520174449589],
  [3, 2.2090496998585438e-5],
  [5, 1.5374597944280351e-12],
  [7.0710678, 1.5239708630677245e-23],
];

describe('the float64 twins', () => {
  // Figures of Python's math.erfc, which is the C library's.
  it.for(ERFC)('erfc(%d)', ([x, value]) => expect(Math.abs(erfc(x) / value - 1)).toBeLessThan(1e-13));
  it('are the exact GELU, not the tanh form', () => {
    expect(gelu(1)).toBeCloseTo(0.8413447460685429, 15);
    expect(gelu(-1)).toBeCloseTo(-0.15865525393145707, 15);
    expect(gelu(1e4)).toBe(1e4);
  });
  it('are a softmax that no score overflows', () => expect(softmax([1000, 1000])).toEqual([0.5, 0.5]));
});
