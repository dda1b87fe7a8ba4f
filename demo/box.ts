/** What is wrong with a face box that a person dragged or typed, in a person's words; the engine's are for developers. */
import type { Box } from '../src/index.ts';

/** A sentence; undefined where the box is right. `whole` is the picture's. Corners are cut off to whole pixels, as the engine does. */
export function boxFault(box: Box, whole: Box): string | undefined {
  const { x0, y0, x1, y1 } = box;
  if (![x0, y0, x1, y1].every(Number.isFinite)) return 'The box needs four numbers.';
  const [left, top, right, bottom] = [x0, y0, x1, y1].map(Math.trunc) as [number, number, number, number];
  if (right <= left) return 'The box is empty: right must be more than left.';
  if (bottom <= top) return 'The box is empty: bottom must be more than top.';
  if (left < 0 || top < 0 || right > whole.x1 || bottom > whole.y1)
    return `The box reaches beyond the picture (${whole.x1} x ${whole.y1} pixels).`;
  return undefined;
}
