import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Box, boxOf, checkBox, maskToPicture, toPicture, wholePicture, widen, widenToSquare } from '../../src/image/crop.ts';
import { SIZE } from '../../src/image/resize.ts';
import { codeOf } from '../errors.ts';

const picture = { width: 512, height: 300 };
const box = (x0: number, y0: number, x1: number, y1: number): Box => ({ x0, y0, x1, y1 });

/** A valid integer box and its picture. */
const crops = fc
  .tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 1, max: 900 }), fc.nat(300), fc.nat(300), fc.nat(300), fc.nat(300))
  .map(([w, h, left, top, right, bottom]) => ({
    crop: box(left, top, left + w, top + h),
    picture: { width: left + w + right, height: top + h + bottom },
  }));

describe('checkBox', () => {
  it.each([
    ['NaN', box(Number.NaN, 0, 9, 9)],
    ['infinite', box(0, 0, Infinity, 9)],
    ['text', { x0: '1', y0: 0, x1: 9, y1: 9 }],
    ['missing corners', { x0: 1 }],
    ['null', null],
    ['an array', [0, 0, 9, 9]],
    ['inverted', box(9, 0, 1, 9)],
    ['empty', box(4, 4, 4, 9)],
    ['empty after truncation', box(4.1, 4, 4.9, 9)],
    ['of no height', box(4, 4, 9, 4)],
    ['left of the picture', box(-1, 0, 9, 9)],
    ['above the picture', box(0, -1, 9, 9)],
    ['beyond its right', box(0, 0, 513, 9)],
    ['beyond its bottom', box(0, 0, 9, 301)],
    ['all outside', box(600, 400, 700, 500)],
  ])('refuses %s', (_, bad) => expect(codeOf(() => checkBox(bad as Box, picture))).toBe('BAD_BOX'));

  it('truncates as int() does', () => {
    expect(checkBox(box(-0.9, 1.9, 512.9, 299.2), picture)).toEqual(box(0, 1, 512, 299));
    expect(Object.is(checkBox(box(-0.9, 0, 9, 9), picture).x0, 0)).toBe(true);
  });

  it('takes the whole picture', () => expect(checkBox(wholePicture(picture), picture)).toEqual(box(0, 0, 512, 300)));

  it('either refuses with BAD_BOX or gives an integer box of at least a pixel inside the picture', () => {
    const number = fc.oneof(fc.double(), fc.double({ min: -5, max: 520 }));
    fc.assert(
      fc.property(number, number, number, number, (x0, y0, x1, y1) => {
        if (codeOf(() => checkBox(box(x0, y0, x1, y1), picture)) === 'BAD_BOX') return;
        const crop = checkBox(box(x0, y0, x1, y1), picture);
        expect(Object.values(crop).every(Number.isInteger)).toBe(true);
        expect(crop.x0 >= 0 && crop.y0 >= 0 && crop.x1 <= 512 && crop.y1 <= 300 && crop.x1 > crop.x0 && crop.y1 > crop.y0).toBe(true);
      }),
    );
  });
});

describe('widen', () => {
  it('gives the official crop of the portrait', () => {
    const portrait = { width: 512, height: 512 };
    const face = box(181.05140686035156, 62.15613555908203, 267.747314453125, 172.0501708984375);
    expect(checkBox(widen(face, portrait), portrait)).toEqual(box(159, 34, 289, 199));
  });

  it('gives a crop inside the picture that holds the box', () => {
    fc.assert(
      fc.property(crops, fc.double({ min: 0, max: 3, noNaN: true }), ({ crop, picture }, margin) => {
        const wide = checkBox(widen(crop, picture, margin), picture);
        expect(wide.x0 <= crop.x0 && wide.y0 <= crop.y0 && wide.x1 >= crop.x1 && wide.y1 >= crop.y1).toBe(true);
      }),
    );
  });
});

describe('widenToSquare', () => {
  it.each([
    ['about the middle', box(200, 100, 240, 140), box(190, 90, 250, 150)],
    ['by the longer side', box(200, 100, 220, 140), box(180, 90, 240, 150)],
    ['moved into the picture, left and top', box(5, 2, 45, 42), box(0, 0, 60, 60)],
    ['moved into the picture, right and bottom', box(470, 258, 510, 298), box(452, 240, 512, 300)],
    ['no larger than the picture', box(100, 20, 400, 290), box(100, 0, 400, 300)],
  ])('is square, %s', (_, face, wide) => expect(widenToSquare(face, picture)).toEqual(wide));

  it('takes any margin, and a corner and a size', () => {
    expect(widenToSquare({ x: 200, y: 100, width: 40, height: 20 }, picture, 0)).toEqual(box(200, 90, 240, 130));
    expect(boxOf({ x: 1, y: 2, width: 30, height: 40 })).toEqual(box(1, 2, 31, 42));
  });
});

describe('toPicture', () => {
  it('puts the corners of the view on the corners of the crop', () => {
    expect(toPicture({ x: -0.5, y: -0.5 }, box(10, 20, 60, 90))).toEqual({ x: 9.5, y: 19.5 });
    expect(toPicture({ x: 223.5, y: 223.5 }, box(10, 20, 60, 90))).toEqual({ x: 59.5, y: 89.5 });
  });

  it('puts even steps of the view on even steps of the crop', () => {
    const coordinate = fc.double({ min: -300, max: 600, noNaN: true });
    fc.assert(
      fc.property(crops, coordinate, ({ crop }, at) => {
        const [from, to] = [toPicture({ x: at, y: at }, crop), toPicture({ x: at + SIZE, y: at + SIZE }, crop)];
        expect(to.x - from.x).toBeCloseTo(crop.x1 - crop.x0, 6);
        expect(to.y - from.y).toBeCloseTo(crop.y1 - crop.y0, 6);
      }),
    );
  });
});

describe('maskToPicture', () => {
  it('stretches a small mask over its box', () => {
    const out = maskToPicture(Uint8Array.of(1, 2, 3, 4), box(1, 1, 5, 3), { width: 6, height: 4 });
    expect([0, 1, 2, 3].map((y) => [...out.subarray(6 * y, 6 * y + 6)].join(''))).toEqual(['000000', '011220', '033440', '000000']);
    for (const mask of [new Uint8Array(3), new Uint8Array(0), [1, 2, 3, 4] as never])
      expect(codeOf(() => maskToPicture(mask, box(1, 1, 5, 3), picture))).toBe('BAD_OPTION');
  });

  it.each([
    ['over the left and the upper edge', box(-2, -1, 2, 3), ['22....', '44....', '44....', '......']],
    ['over the right and the lower edge', box(4, 2, 8, 6), ['......', '......', '....11', '....11']],
    ['far beyond it', box(-1e8, -1e8, 1e8, 4), ['444444', '444444', '444444', '444444']],
    ['beside it', box(6, 0, 10, 4), ['......', '......', '......', '......']],
  ])('of a crop that a video has led on %s is cut there', (_, crop, rows) => {
    const out = maskToPicture(Uint8Array.of(1, 2, 3, 4), crop, { width: 6, height: 4 }, 9);
    expect([0, 1, 2, 3].map((y) => [...out.subarray(6 * y, 6 * y + 6)].join('').replaceAll('9', '.'))).toEqual(rows);
  });

  it('takes, at every pixel, the mask under its centre, and nothing outside the crop', () => {
    const mask = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (i * 7 + Math.floor(i / SIZE)) % 11);
    fc.assert(
      fc.property(
        crops,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        ({ crop, picture }, u, v) => {
          const out = maskToPicture(mask, crop, picture, 255);
          const [x, y] = [Math.floor(u * picture.width), Math.floor(v * picture.height)];
          const inside = x >= crop.x0 && x < crop.x1 && y >= crop.y0 && y < crop.y1;
          const column = Math.floor(((x + 0.5 - crop.x0) * SIZE) / (crop.x1 - crop.x0));
          const row = Math.floor(((y + 0.5 - crop.y0) * SIZE) / (crop.y1 - crop.y0));
          expect(out[y * picture.width + x]).toBe(inside ? mask[row * SIZE + column] : 255);
        },
      ),
      { numRuns: 40 },
    );
  });
});
