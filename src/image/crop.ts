/** Boxes in a picture, and the way between a picture and the network's square view of a crop. */
import { badOption, FaceXFormerError } from '../gpu/errors.ts';
import { given, mustBeWhole, shown, tag } from '../gpu/given.ts';
import { SIZE } from './resize.ts';

/** A rectangle in picture pixels: x0 <= x < x1, y0 <= y < y1; (0, 0) is the picture's top left corner. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** A box in any of the forms that people write: corners, or a corner and a size, as a DOMRect has them. */
export type AnyBox = Box | { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/**
 * Its corners as they are now; whether they lie in a picture is `checkBox`'s question.
 * @throws FaceXFormerError BAD_BOX: a corner that is no finite number, or farther off than any picture is large
 */
export function boxOf(box: AnyBox): Box {
  const own = corners(box);
  if (!arePlaces(Object.values(own)))
    throw badBox(own, 'is not made of finite numbers, below 1e9. Give { x0, y0, x1, y1 } or { x, y, width, height } in picture pixels.');
  return own;
}

/** @param why what is wrong with the box, whose corners are named before */
export const badBox = (box: Box, why: string): FaceXFormerError =>
  new FaceXFormerError('BAD_BOX', `The face box ${Object.values(box).map(shown)} ${why}`);

/** Whether all are numbers that can say where something is. Of larger ones a width may be infinite, and what is drawn then nothing. */
export const arePlaces = (numbers: readonly unknown[]): boolean =>
  numbers.every((at) => Number.isFinite(at) && Math.abs(at as number) < 1e9);

function corners(box: AnyBox): Box {
  try {
    const { x0, y0, x1, y1, x, y, width, height } = box as Box & { x: number; y: number; width: number; height: number };
    return 'x0' in box ? { x0, y0, x1, y1 } : { x0: x, y0: y, x1: x + width, y1: y + height };
  } catch (cause) {
    throw new FaceXFormerError('BAD_BOX', 'A face box is { x0, y0, x1, y1 } or { x, y, width, height } in picture pixels.', { cause });
  }
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A point in a picture, in its pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The mean of points, of which there is one at least. */
export function middleOf(points: readonly Point[]): Point {
  const mean = (axis: 'x' | 'y') => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  return { x: mean('x'), y: mean('y') };
}

/** The official script's margin, as a part of the box's size: half of it goes to each side. */
export const OFFICIAL_MARGIN = 0.5;

/** The whole picture as a box. */
export const wholePicture = ({ width, height }: Size): Box => ({ x0: 0, y0: 0, x1: width, y1: height });

/**
 * The crop that a box stands for: corners truncated to integers, as the official script does.
 * @throws FaceXFormerError BAD_BOX: a corner that is no finite number, an inverted or empty box, or one that leaves the picture.
 */
export function checkBox(box: Box, picture: Size): Box {
  const whole = wholeBox(box);
  const { width, height } = picture;
  if (whole.x0 < 0 || whole.y0 < 0 || whole.x1 > width || whole.y1 > height)
    throw badBox(whole, `leaves the picture of ${width} x ${height} pixels. Clamp it to the picture, as widen() does.`);
  return whole;
}

/** The same of a box that may lie beyond the picture, over whose edge a video leads faces on. @throws FaceXFormerError BAD_BOX */
export function wholeBox(box: Box): Box {
  const own = boxOf(box);
  const whole = truncated(own);
  if (isEmpty(whole)) throw badBox(own, 'is inverted or empty: x1 must exceed x0, and y1 y0, by a pixel at least.');
  return whole;
}

/** A box in whole pixels. Its numbers are below 1e9, and there is no -0 among those. */
export const truncated = ({ x0, y0, x1, y1 }: Box): Box => ({ x0: x0 | 0, y0: y0 | 0, x1: x1 | 0, y1: y1 | 0 });

/** Whether a box ends where it begins, or before. */
export const isEmpty = ({ x0, y0, x1, y1 }: Box): boolean => x1 <= x0 || y1 <= y0;

/** What of a box lies in the picture; where nothing does, it ends before it begins. */
export const within = ({ x0, y0, x1, y1 }: Box, { width, height }: Size): Box => ({
  x0: Math.max(0, x0),
  y0: Math.max(0, y0),
  x1: Math.min(width, x1),
  y1: Math.min(height, y1),
});

/**
 * A detected box with the margin that the network was trained to see: grown by `margin` of its width and height, half on each side, then
 * clamped to the picture. Source: official inference.py, adjust_bbox (margin_percentage = 50).
 */
export const widen = (box: AnyBox, picture: Size, margin: number = OFFICIAL_MARGIN): Box =>
  within(grown(sized(box, picture, margin), margin), picture);

/** A box with a margin on all sides, wherever the picture ends. */
export function grown({ x0, y0, x1, y1 }: Box, margin: number): Box {
  const dx = ((x1 - x0) * margin) / 2;
  const dy = ((y1 - y0) * margin) / 2;
  return { x0: x0 - dx, y0: y0 - dy, x1: x1 + dx, y1: y1 + dy };
}

/**
 * The square about a detected box that is as large as `widen` makes its longer side, moved into the picture where it leaves it, and made smaller
 * only where the picture is. The network then sees a face in its own proportions; the official script stretches it.
 */
export function widenToSquare(box: AnyBox, picture: Size, margin: number = OFFICIAL_MARGIN): Box {
  const own = sized(box, picture, margin);
  const side = Math.min((1 + margin) * Math.max(own.x1 - own.x0, own.y1 - own.y0), picture.width, picture.height);
  const x0 = Math.min(Math.max(0, (own.x0 + own.x1 - side) / 2), picture.width - side);
  const y0 = Math.min(Math.max(0, (own.y0 + own.y1 - side) / 2), picture.height - side);
  return { x0, y0, x1: x0 + side, y1: y0 + side };
}

/** The box's corners. @throws FaceXFormerError BAD_BOX; BAD_OPTION: the picture has no size, or the margin is no number */
function sized(box: AnyBox, picture: Size, margin: number): Box {
  given('A picture has a `width` and a `height`, and a margin is a part of a box: numbers, 0 or more, below 1e9.', () => {
    if (![picture.width, picture.height, margin].every((n) => Number.isFinite(n) && n >= 0 && n < 1e9)) throw new TypeError();
  });
  return boxOf(box);
}

/**
 * A point of the view of `side` pixels in picture pixels. In both, as in the network's landmarks, a pixel's centre has integer coordinates:
 * a view of 224 spans -0.5 to 223.5 and the picture -0.5 to width - 0.5. (A canvas puts centres at halves: add 0.5 to draw there.)
 */
export function toPicture({ x, y }: Point, crop: Box, side = SIZE): Point {
  return {
    x: crop.x0 + ((x + 0.5) * (crop.x1 - crop.x0)) / side - 0.5,
    y: crop.y0 + ((y + 0.5) * (crop.y1 - crop.y0)) / side - 0.5,
  };
}

/**
 * A square mask at the picture's scale, nearest neighbour: [picture.height, picture.width], `outside` beyond the crop. What of the crop is beyond the
 * picture is left out.
 * @param mask [side, side] class indices of the crop, 224 x 224 of FaceXFormer.
 * @throws FaceXFormerError BAD_BOX, BAD_OPTION
 */
export function maskToPicture(mask: Uint8Array, crop: AnyBox, picture: Size, outside = 0): Uint8Array<ArrayBuffer> {
  const whole = wholeBox(sized(crop, picture, 0));
  const part = within(whole, picture);
  mustBeWhole(outside, 'outside', 0, 255);
  const side = tag(mask) === 'Uint8Array' ? Math.sqrt(mask.length) : 0;
  if (!Number.isInteger(side) || side === 0)
    throw badOption(`The mask is ${shown(mask)}; it must be a Uint8Array of classes, as many a line as there are lines.`);
  for (const length of ['width', 'height'] as const) mustBeWhole(picture[length], `picture.${length}`, 1);
  const out = given('The picture is too large for a mask.', () => new Uint8Array(picture.width * picture.height).fill(outside));
  const of = (pixel: number, low: number, high: number): number => Math.floor(((pixel - low + 0.5) * side) / (high - low));
  const columns = Uint16Array.from({ length: part.x1 - part.x0 }, (_, x) => of(part.x0 + x, whole.x0, whole.x1));
  for (let y = part.y0; y < part.y1; y++) {
    const source = of(y, whole.y0, whole.y1) * side;
    const target = y * picture.width + part.x0;
    for (let x = 0; x < columns.length; x++) out[target + x] = mask[source + (columns[x] as number)] as number;
  }
  return out;
}
