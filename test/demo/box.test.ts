/** What the demo says of a box. */
import { expect, it } from 'vitest';
import { boxFault } from '../../demo/box.ts';
import { checkBox } from '../../src/image/crop.ts';

const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 });

it.for([
  [box(157, 37, 293, 229), undefined],
  [box(-0.5, 0, 512.9, 512), undefined],
  [box(Number.NaN, 37, 293, 229), 'The box needs four numbers.'],
  [box(0, 0, Number.POSITIVE_INFINITY, 1), 'The box needs four numbers.'],
  [box(157, 37, 100, 229), 'The box is empty: right must be more than left.'],
  [box(157, 37, 293, 37.9), 'The box is empty: bottom must be more than top.'],
  [box(0, 0, 513, 512), 'The box reaches beyond the picture (512 x 512 pixels).'],
  [box(-1, 0, 5, 5), 'The box reaches beyond the picture (512 x 512 pixels).'],
] as const)('%o', ([given, said]) => {
  expect(boxFault(given, box(0, 0, 512, 512))).toBe(said);
  // What it lets through the engine takes, and nothing else.
  const check = () => checkBox(given, { width: 512, height: 512 });
  said === undefined ? expect(check).not.toThrow() : expect(check).toThrow();
});
