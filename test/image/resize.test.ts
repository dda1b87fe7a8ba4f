import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axis, MAX_CROP, normalised, partsOfTable, resizeTable, SIZE, tableBytes } from '../../src/image/resize.ts';
import { bits, cropOf, face, portraitPixels } from './fixture.ts';
import { resizePixels } from './pillow.ts';
import pillow from './pillow-resize.json' with { type: 'json' };

const ONE = 2 ** 22;

/** The picture of pillow-resize.json: successive values of a xorshift, top byte. */
function picture(width: number, height: number): Uint8Array {
  let state = width * 9973 + height;
  return Uint8Array.from({ length: width * height * 4 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

describe('resizePixels', () => {
  it.each(pillow.cases)('equals Pillow: $width x $height to $to', ({ width, height, to, sha256 }) => {
    const actual = resizePixels(picture(width, height), axis(width, to), axis(height, to));
    expect(createHash('sha256').update(actual).digest('hex')).toBe(sha256);
  });

  it("equals the fixture's resized and, through the lookup, its pixels", () => {
    const { data, width, height } = cropOf(portraitPixels(), face.box);
    const resized = resizePixels(data, axis(width), axis(height));
    expect(resized).toEqual(face.expected('resized').values);
    const pixels = normalised(resized);
    const { values, step } = face.expected('pixels');
    expect(bits(pixels, step)).toEqual(bits(values as Float32Array, 1));
  });

  it('keeps a flat colour, whatever the sizes', () => {
    const side = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(side, side, side, fc.nat(255), (width, height, to, value) => {
        const flat = resizePixels(new Uint8Array(width * height * 4).fill(value), axis(width, to), axis(height, to));
        expect(flat.every((v) => v === value)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('is the identity where nothing changes size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), (side) => {
        const rgba = picture(side, side);
        expect(resizePixels(rgba, axis(side, side), axis(side, side))).toEqual(rgba.filter((_, i) => i % 4 !== 3));
      }),
    );
  });
});

describe('axis', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: MAX_CROP }), fc.integer({ min: 1, max: 300 }));

  it('has weights that sum to one, up to a rounding each', () => {
    fc.assert(
      fc.property(sizes, ([from, to]) => {
        const { taps, weights } = axis(from, to);
        for (let i = 0; i < to; i++) {
          let sum = 0;
          for (let t = 0; t < taps; t++) sum += weights[t * to + i] as number;
          expect(Math.abs(sum - ONE)).toBeLessThanOrEqual(taps / 2);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('reads inside the source only, and overflows no int32', () => {
    fc.assert(
      fc.property(sizes, ([from, to]) => {
        const { taps, weights, first } = axis(from, to);
        for (let i = 0; i < to; i++) {
          let magnitude = ONE / 2;
          for (let t = 0; t < taps; t++) {
            const weight = weights[t * to + i] as number;
            if ((first[i] as number) + t >= from) expect(weight).toBe(0);
            magnitude += Math.abs(weight) * 255;
          }
          expect(magnitude).toBeLessThan(2 ** 31);
          expect(first[i]).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('has 72 taps at 4000', () => expect(axis(4000).taps).toBe(72));
});

describe('resizeTable', () => {
  it.each([SIZE, 256, 512])('fits its part of the buffer at the largest crop, whatever both sides are, resized to %i', (side) => {
    const parts = [...partsOfTable(side), tableBytes(side) / 4];
    const room = Math.min(...parts.slice(1).map((end, i) => end - (parts[i] as number)));
    expect(parts[0]).toBe(parts.length - 1); // the header comes first
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_CROP }), fc.integer({ min: 1, max: MAX_CROP }), (width, height) => {
        expect(resizeTable(axis(width, side), axis(height, side)).length).toBeLessThanOrEqual(room);
      }),
      {
        numRuns: 40,
        examples: [
          [MAX_CROP, MAX_CROP],
          [1, 1],
        ],
      },
    );
  });
});
