/** A face cut out of its picture, as it lies there or turned upright: for avatars, and for networks that know who somebody is. */
import { badOption } from '../gpu/errors.ts';
import { given, mustBeWhole, optionsOf } from '../gpu/given.ts';
import { type AnyBox, boxOf, middleOf, type Point } from '../image/crop.ts';
import { withDrawable } from '../image/drawable.ts';
import type { PictureSource } from '../image/source.ts';
import { contextOf } from './pen.ts';
import type { Face } from './results.ts';

/** What `cropFace` takes. */
export interface CropFaceOptions {
  /** Side of the square in pixels; as large as the face is in the picture unless given, or 112 with `align`. */
  readonly size?: number | undefined;
  /** Turns and shifts the face so that eyes, nose and mouth are where networks for recognition (ArcFace's and its kin) want them. */
  readonly align?: boolean | undefined;
}

/** ArcFace's places of the eyes, the nose and the corners of the mouth in 112 x 112 pixels, whose centres have integer coordinates. */
const TEMPLATE = [
  { x: 38.2946, y: 51.6963 },
  { x: 73.5318, y: 51.5014 },
  { x: 56.0252, y: 71.7366 },
  { x: 41.5493, y: 92.3655 },
  { x: 70.7299, y: 92.2041 },
] as const;
const TEMPLATE_SIDE = 112;

/**
 * A square of the picture about a face's box, or with `align` about its eyes and mouth. What lies beyond the picture is clear. An OffscreenCanvas can be
 * drawn, analysed, turned into a bitmap (`transferToImageBitmap()`) or a file (`convertToBlob()`).
 * @throws FaceXFormerError BAD_PICTURE; BAD_BOX; BAD_OPTION: `size` is no number of pixels, or with `align` the face has neither `points` nor `landmarks`
 */
export async function cropFace(
  source: PictureSource,
  face: Pick<Face, 'points' | 'landmarks'> & { readonly box: AnyBox },
  options: CropFaceOptions = {},
): Promise<OffscreenCanvas> {
  const { size, align = false } = optionsOf<CropFaceOptions>('cropFace', { size: 'any', align: 'boolean' }, options);
  if (size !== undefined) mustBeWhole(size, 'size', 1);
  const { side, turn } = given('cropFace() takes a picture, and a face of it as analyze() gives it.', () => {
    if (align) return { side: size ?? TEMPLATE_SIDE, turn: alignment(fivePoints(face), size ?? TEMPLATE_SIDE) };
    const { x0, y0, x1, y1 } = boxOf(face.box);
    const longer = Math.max(x1 - x0, y1 - y0);
    mustBeWhole(Math.round(longer), 'the side of the box', 1);
    const side = size ?? Math.round(longer);
    const scale = side / longer;
    return { side, turn: { a: scale, b: 0, x: side / 2 - (scale * (x0 + x1)) / 2, y: side / 2 - (scale * (y0 + y1)) / 2 } };
  });
  return withDrawable(source, (image, { width, height }) => {
    const ctx = contextOf(side, side);
    ctx.imageSmoothingQuality = 'high';
    ctx.setTransform(turn.a, turn.b, -turn.b, turn.a, turn.x, turn.y);
    ctx.drawImage(image, 0, 0, width, height);
    return ctx.canvas;
  });
}

/** Eyes, nose and corners of the mouth: the detector's, which recognition is trained on, else by the landmarks. @throws FaceXFormerError BAD_OPTION */
function fivePoints({ points, landmarks }: Pick<Face, 'points' | 'landmarks'>): readonly Point[] {
  if (points?.length === 5) return points;
  if (!landmarks) throw badOption('To align a face its `points`, which MTCNN gives, or its `landmarks` are needed.');
  const eyes = [landmarks.slice(36, 42), landmarks.slice(42, 48)];
  return [...eyes.map(middleOf), ...[30, 48, 54].map((i) => landmarks[i] as Point)];
}

/** x' = a x - b y + x, y' = b x + a y + y: a turn, a scale and a shift, in units of a canvas, whose pixel centres are at halves. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly x: number;
  readonly y: number;
}

/** What brings five points nearest to ArcFace's, in the sum of squares, in a square of so many pixels. */
export function alignment(points: readonly Point[], side: number): Similarity {
  const from = points.map(({ x, y }) => ({ x: x + 0.5, y: y + 0.5 }));
  const to = TEMPLATE.map(({ x, y }) => ({ x: ((x + 0.5) * side) / TEMPLATE_SIDE, y: ((y + 0.5) * side) / TEMPLATE_SIDE }));
  const fromMiddle = middleOf(from);
  const toMiddle = middleOf(to);
  let [along, across, square] = [0, 0, 0];
  for (const [i, point] of from.entries()) {
    const [x, y] = [point.x - fromMiddle.x, point.y - fromMiddle.y];
    const { x: u, y: v } = to[i] as Point; // where their middle is makes no difference, as x and y add up to nothing
    along += x * u + y * v;
    across += x * v - y * u;
    square += x * x + y * y;
  }
  if (!(square > 0 && Number.isFinite(square))) throw badOption('A face whose points are all one, or are no numbers, cannot be aligned.');
  const [a, b] = [along / square, across / square];
  return { a, b, x: toMiddle.x - a * fromMiddle.x + b * fromMiddle.y, y: toMiddle.y - b * fromMiddle.x - a * fromMiddle.y };
}
