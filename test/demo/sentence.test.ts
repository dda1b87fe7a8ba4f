/** What the demo says of a face in a sentence. */
import { expect, it } from 'vitest';
import { sentenceOf } from '../../demo/cards.ts';
import { matrixOf } from '../../src/face/pose.ts';
import type { Face } from '../../src/index.ts';

it.each([
  [20, 'right'],
  [-20, 'left'],
])('says on which side the axis is that the face looks along: %d, %s', (turned, side) => {
  const radians = { pitch: 0, yaw: (-turned * Math.PI) / 180, roll: 0 };
  const matrix = matrixOf(radians);
  expect(Math.sign(matrix[2])).toBe(Math.sign(turned)); // x, to the right in the picture
  const face: Face = { box: { x0: 0, y0: 0, x1: 9, y1: 9 }, headpose: { pitch: 0, yaw: -turned, roll: 0, radians, matrix } };
  expect(sentenceOf(face)).toBe(`A face looks 20° to the ${side}.`);
});
