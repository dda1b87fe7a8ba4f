/** Masks at the picture's size, and their outlines, on parsing maps small enough to see. */
import { describe, expect, it } from 'vitest';
import { PARSING, type ParsingClass } from '../../src/face/labels.ts';
import { alphaOf, contoursOf, maskBitmap, type ParsedFace } from '../../src/face/masks.ts';
import type { Point } from '../../src/image/crop.ts';
import { codeOf } from '../errors.ts';

const labels = PARSING.map(({ name }) => name);
const palette = PARSING.map(({ colour }) => colour);
const LETTERS: Record<string, ParsingClass> = { '.': 'background', s: 'skin', u: 'upper lip', l: 'lower lip' };

/** A face whose parsing map is drawn in letters, over a box of whole picture pixels. */
function parsed(rows: readonly string[], box: ParsedFace['box']): ParsedFace {
  const classes = Uint8Array.from(rows.flatMap((row) => [...row].map((letter) => labels.indexOf(LETTERS[letter] as ParsingClass))));
  return { box, segmentation: { width: rows[0]?.length ?? 0, height: rows.length, classes, labels, palette } };
}
const rowsOf = (alpha: Uint8ClampedArray, width: number) =>
  Array.from({ length: alpha.length / width }, (_, y) => [...alpha.subarray(y * width, (y + 1) * width)]);

const lips = ['....', '.uu.', '.ll.', '....'];

describe('alpha', () => {
  const face = parsed(lips, { x0: 2, y0: 1, x1: 10, y1: 9 }); // a pixel of the map is two of the picture
  const picture = { width: 12, height: 10 };

  it('without soft edges is the nearest pixel, and 0 outside of the box', () => {
    const rows = rowsOf(alphaOf(face, ['upper lip', 'lower lip'], picture, { soft: false }), 12);
    const full = [0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0];
    const none = full.map(() => 0);
    expect(rows).toEqual([none, none, none, full, full, full, full, none, none, none]);
  });

  it('with soft edges falls over a pixel of the map, evenly on both sides, and keeps the area', () => {
    const alpha = alphaOf(face, ['upper lip', 'lower lip'], picture);
    const rows = rowsOf(alpha, 12);
    expect(rows[4]).toEqual([0, 0, 0, 64, 191, 255, 255, 191, 64, 0, 0, 0]);
    expect(rows.map((row) => row[5])).toEqual([0, 0, 64, 191, 255, 255, 191, 64, 0, 0]);
    expect(alpha.reduce((sum, value) => sum + value, 0) / 255).toBeCloseTo(16, 0);
  });

  it('takes pixels whose class has no label for others', () => {
    const strange = parsed(['?...', '.uu.', '.ll.', '..??'], face.box);
    expect(alphaOf(strange, ['upper lip', 'lower lip'], picture)).toEqual(alphaOf(face, ['upper lip', 'lower lip'], picture));
  });

  it('of classes that leave nothing out is 255 all over the box, whatever its size', () => {
    const all = ['background', 'upper lip', 'lower lip'] as const;
    for (const [x1, y1] of [
      [3, 2],
      [4, 4],
      [7, 9],
    ] as const) {
      const alpha = alphaOf(parsed(lips, { x0: 0, y0: 0, x1, y1 }), all, { width: 7, height: 9 });
      expect(rowsOf(alpha, 7).map((row, y) => row.every((value, x) => value === (x < x1 && y < y1 ? 255 : 0)))).not.toContain(false);
    }
  });

  it('where the picture has fewer pixels than the map is their mean: none is missed', () => {
    const fine = Array.from({ length: 8 }, () => 's.s.s.s.');
    const rows = rowsOf(alphaOf(parsed(fine, { x0: 0, y0: 0, x1: 2, y1: 2 }), ['skin'], { width: 2, height: 2 }), 2);
    for (const value of rows.flat()) expect(Math.abs(value - 127.5)).toBeLessThan(20);
  });

  it.each([
    ['over the left and the upper edge', -3, -2],
    ['over the right and the lower edge', 7, 5],
    ['beside it', 30, 3],
    ['round it', -2, -1],
  ])('of a face that is led on by a video %s is cut there', (_, x0, y0) => {
    const side = x0 === -2 ? 20 : 8;
    const beyond = parsed(lips, { x0, y0, x1: x0 + side, y1: y0 + side });
    const moved = parsed(lips, { x0: x0 + 40, y0: y0 + 40, x1: x0 + 40 + side, y1: y0 + 40 + side });
    for (const soft of [true, false]) {
      const whole = rowsOf(alphaOf(moved, ['upper lip', 'lower lip'], { width: 100, height: 100 }, { soft }), 100);
      const expected = whole.slice(40, 50).map((row) => row.slice(40, 52));
      expect(rowsOf(alphaOf(beyond, ['upper lip', 'lower lip'], picture, { soft }), 12)).toEqual(expected);
    }
  });

  it('needs a parsed face and known classes', async () => {
    const box = { x0: 0, y0: 0, x1: 4, y1: 4 };
    expect(await codeOf(() => alphaOf({ box }, ['skin'], picture))).toBe('BAD_OPTION');
    expect(await codeOf(() => alphaOf(face, ['beard' as ParsingClass], picture))).toBe('BAD_OPTION');
    const short = { ...face, segmentation: { ...(face.segmentation as NonNullable<ParsedFace['segmentation']>), height: 5 } };
    expect(await codeOf(() => alphaOf(short, ['skin'], picture))).toBe('BAD_OPTION');
  });

  it('as a bitmap is refused where the browser makes none: here it knows no ImageData', async () => {
    await expect(maskBitmap(face, ['upper lip'], picture)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringMatching(/no bitmap of 12 x 10/),
    });
  });
});

describe('contours', () => {
  /** Twice the signed area: positive where, y going down, the line goes clockwise. */
  const area = (line: readonly Point[]) =>
    line.reduce((sum, a, i) => {
      const b = line[(i + 1) % line.length] as Point;
      return sum + a.x * b.y - a.y * b.x;
    }, 0);

  it('are closed lines half way between pixels, corners cut, in picture pixels', () => {
    const [line, ...others] = contoursOf(parsed(lips, { x0: 0, y0: 0, x1: 4, y1: 4 }), ['upper lip', 'lower lip']);
    expect(others).toEqual([]);
    const corners = line?.map(({ x, y }) => `${x},${y}`);
    expect(corners?.toSorted()).toEqual(['0.5,1', '0.5,2', '1,0.5', '1,2.5', '2,0.5', '2,2.5', '2.5,1', '2.5,2'].toSorted());
    expect(area(line ?? []) / 2).toBeCloseTo(3.5); // four pixels less four corners of an eighth
  });

  it('are scaled and moved with the box', () => {
    const [line] = contoursOf(parsed(['s'], { x0: 10, y0: 20, x1: 14, y1: 22 }), ['skin']);
    expect(line?.map(({ x }) => x).toSorted((a, b) => a - b)).toEqual([9.5, 11.5, 11.5, 13.5]); // the box's edges, and its middle
    expect(line?.map(({ y }) => y).toSorted((a, b) => a - b)).toEqual([19.5, 20.5, 20.5, 21.5]);
  });

  it('go round each part, and the other way round a hole', () => {
    const lines = contoursOf(parsed(['sss..', 's.s..', 'sss.s'], { x0: 0, y0: 0, x1: 5, y1: 3 }), ['skin']);
    expect(lines.map((line) => Math.sign(area(line))).toSorted()).toEqual([-1, 1, 1]);
  });

  it('of parts that touch in a corner are apart, and none is left open', () => {
    const lines = contoursOf(parsed(['s.s.', '.s.s', 's.s.', '.s.s'], { x0: 0, y0: 0, x1: 4, y1: 4 }), ['skin']);
    expect(lines.length).toBe(8);
    for (const line of lines) expect(area(line)).toBeCloseTo(1);
  });

  it('of what fills the map are its edges, without the points between', () => {
    const [line, ...others] = contoursOf(parsed(['sss', 'sss'], { x0: 0, y0: 0, x1: 3, y1: 2 }), ['skin']);
    expect([line?.length, others.length, area(line ?? []) / 2]).toEqual([8, 0, 5.5]);
    const apart = contoursOf(parsed(['s..', '..s'], { x0: 0, y0: 0, x1: 3, y1: 2 }), ['skin']);
    expect(apart.map((one) => Math.max(...one.map(({ x }) => x)) - Math.min(...one.map(({ x }) => x)))).toEqual([1, 1]);
  });

  it('of nothing are none', () => {
    expect(contoursOf(parsed(['..'], { x0: 0, y0: 0, x1: 4, y1: 4 }), ['skin'])).toEqual([]);
  });
});
