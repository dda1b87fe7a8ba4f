import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Matrix3, matrixOf } from '../../src/face/pose.ts';
import { anglesOf, nearestRotation } from '../../src/face/rotation.ts';

type Nine = readonly number[];

const product = (a: Nine, b: Nine): number[] =>
  Array.from({ length: 9 }, (_, i) =>
    [0, 1, 2].reduce((sum, k) => sum + (a[3 * Math.floor(i / 3) + k] as number) * (b[3 * k + (i % 3)] as number), 0),
  );
const transpose = (a: Nine): number[] => Array.from({ length: 9 }, (_, i) => a[3 * (i % 3) + Math.floor(i / 3)] as number);
const determinant = ([a, b, c, d, e, f, g, h, i]: Matrix3) => a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
const distance = (a: Nine, b: Nine) => Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))));
/** Sum of squared differences. */
const misfit = (a: Nine, b: Nine) => a.reduce((sum, x, i) => sum + (x - (b[i] as number)) ** 2, 0);
const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

function expectRotation(r: Matrix3): void {
  expect(distance(product(r, transpose(r)), IDENTITY)).toBeLessThan(1e-6);
  expect(Math.abs(determinant(r) - 1)).toBeLessThan(1e-6);
}

/** The same rotation from single turns, multiplied out. */
function composed(pitch: number, yaw: number, roll: number): number[] {
  const [cp, sp, cy, sy, cr, sr] = [Math.cos(pitch), Math.sin(pitch), Math.cos(yaw), Math.sin(yaw), Math.cos(roll), Math.sin(roll)];
  const [x, y, z] = [
    [1, 0, 0, 0, cp, -sp, 0, sp, cp],
    [cy, 0, sy, 0, 1, 0, -sy, 0, cy],
    [cr, -sr, 0, sr, cr, 0, 0, 0, 1],
  ];
  return product(product(x as number[], y as number[]), z as number[]);
}

const angle = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
const nine = (number: fc.Arbitrary<number>) => fc.array(number, { minLength: 9, maxLength: 9 });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const small = fc.double({ min: -2, max: 2, noNaN: true });

describe('matrixOf', () => {
  test('is the three turns one after the other', () => {
    fc.assert(
      fc.property(angle(10), angle(10), angle(10), (pitch, yaw, roll) => {
        expect(distance(matrixOf({ pitch, yaw, roll }), composed(pitch, yaw, roll))).toBeLessThan(1e-14);
      }),
    );
  });

  test('turns as documented: what each positive angle does to the axes', () => {
    const quarter = Math.PI / 2;
    const column = (m: Matrix3, k: number) => [m[k], m[3 + k], m[6 + k]].map((x) => Math.round(x as number) + 0);
    expect(column(matrixOf({ pitch: 0, yaw: 0, roll: quarter }), 0)).toEqual([0, 1, 0]); // the head's right side goes down: clockwise
    expect(column(matrixOf({ pitch: quarter, yaw: 0, roll: 0 }), 1)).toEqual([0, 0, 1]); // the chin comes to the viewer: up
    expect(column(matrixOf({ pitch: 0, yaw: quarter, roll: 0 }), 2)).toEqual([1, 0, 0]); // the face looks right
  });
});

describe('anglesOf', () => {
  test('gives the angles back where they are unique', () => {
    fc.assert(
      fc.property(angle(3.14), angle(1.56), angle(3.14), (pitch, yaw, roll) => {
        const got = anglesOf(matrixOf({ pitch, yaw, roll }));
        expect(got.pitch).toBeCloseTo(pitch, 9);
        expect(got.yaw).toBeCloseTo(yaw, 9);
        expect(got.roll).toBeCloseTo(roll, 9);
      }),
    );
  });

  test('gives the same rotation back for any angles', () => {
    fc.assert(
      fc.property(angle(20), angle(20), angle(20), (pitch, yaw, roll) => {
        const matrix = matrixOf({ pitch, yaw, roll });
        expect(distance(matrixOf(anglesOf(matrix)), matrix)).toBeLessThan(1e-9);
      }),
    );
  });

  test('gives the same rotation back in gimbal lock and beside it, with roll 0 in it', () => {
    const near = fc.constantFrom(0, 1e-16, 1e-12, 1e-9, 1e-8, 1e-6, 1e-3);
    fc.assert(
      fc.property(angle(3), near, angle(3), fc.constantFrom(1, -1), (pitch, off, roll, side) => {
        const matrix = matrixOf({ pitch, yaw: side * (Math.PI / 2 - off), roll });
        const got = anglesOf(matrix);
        expect(distance(matrixOf(got), matrix)).toBeLessThan(1e-8);
        if (off < 1e-12) expect(got.roll).toBe(0);
      }),
    );
  });

  test('stays true beside the lock when the matrix was rounded to float32', () => {
    fc.assert(
      fc.property(angle(3), fc.constantFrom(1e-8, 1e-6, 1e-4), angle(3), (pitch, off, roll) => {
        const rounded = nearestRotation(Float32Array.from(matrixOf({ pitch, yaw: Math.PI / 2 - off, roll })));
        expect(distance(matrixOf(anglesOf(rounded)), rounded)).toBeLessThan(1e-6);
      }),
    );
  });
});

describe('nearestRotation', () => {
  test('is a rotation for any nine finite numbers', () => {
    fc.assert(
      fc.property(nine(finite), (m) => expectRotation(nearestRotation(m))),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(nine(fc.constantFrom(0, 1, -1, 1e-300, 1e300, 5e-324, -1e-8)), (m) => expectRotation(nearestRotation(m))),
      { numRuns: 2000 },
    );
  });

  test('is a rotation for singular, reflected and empty matrices', () => {
    for (const m of [
      [0, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 0, 0, 0, 1, 0, 0, 0, -1],
      [-1, 0, 0, 0, -1, 0, 0, 0, -1],
      [1, 1, 1, 1, 1, 1, 1, 1, 1],
      [1, 2, 3, 2, 4, 6, 3, 6, 9],
      [0, 0, 0, 0, 0, 0, 0, 0, 1],
      [0, 1, 0, 1, 0, 0, 0, 0, 1],
      Array(9).fill(Number.MAX_VALUE),
      Array(9).fill(Number.MIN_VALUE),
    ])
      expectRotation(nearestRotation(m));
    expect(nearestRotation(Array(9).fill(0))).toEqual(IDENTITY);
  });

  test('gives a rotation itself, and any positive multiple of it, back', () => {
    fc.assert(
      fc.property(angle(4), angle(4), angle(4), fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (pitch, yaw, roll, scale) => {
        const rotation = matrixOf({ pitch, yaw, roll });
        expect(distance(nearestRotation(rotation.map((x) => x * scale)), rotation)).toBeLessThan(1e-9);
      }),
    );
  });

  test('no other rotation is nearer', () => {
    fc.assert(
      fc.property(nine(small), fc.array(fc.tuple(angle(4), angle(4), angle(4)), { minLength: 20, maxLength: 20 }), (m, others) => {
        const nearest = nearestRotation(m);
        const best = misfit(nearest, m);
        for (const [pitch, yaw, roll] of others) expect(best).toBeLessThanOrEqual(misfit(matrixOf({ pitch, yaw, roll }), m) + 1e-9);
        // Nor is any in its neighbourhood: a search from afar would seldom come close enough to tell.
        for (const step of [1e-2, 1e-4])
          for (const [pitch, yaw, roll] of [
            [step, 0, 0],
            [-step, 0, 0],
            [0, step, 0],
            [0, -step, 0],
            [0, 0, step],
            [0, 0, -step],
          ] as const)
            expect(best).toBeLessThanOrEqual(misfit(product(nearest, matrixOf({ pitch, yaw, roll })), m) + 1e-9);
      }),
    );
  });

  test('is U diag(1, 1, -1) V^T for a reflection: known cases', () => {
    expect(distance(nearestRotation([3, 0, 0, 0, 2, 0, 0, 0, -1]), IDENTITY)).toBeLessThan(1e-12);
    expect(distance(nearestRotation([-1, 0, 0, 0, 2, 0, 0, 0, 3]), IDENTITY)).toBeLessThan(1e-12);
    expect(distance(nearestRotation([-3, 0, 0, 0, -2, 0, 0, 0, -1]), [-1, 0, 0, 0, -1, 0, 0, 0, 1])).toBeLessThan(1e-12);
  });
});
