/**
 * Other detectors behind the engine's interface, with boxes like MTCNN's, which the network was trained on. Each draws its box elsewhere: round the
 * brows, the skull or the ears. So a box is made of where eyes and mouth are, in MTCNN's proportions, wherever a detector says where they are; else
 * its own box is taken. Only shapes are named here: none of the libraries is a dependency.
 */

import { given, mustBeFunction, shown } from '../gpu/given.ts';
import { type AnyBox, type Box, boxOf, middleOf, type Point, type Size } from '../image/crop.ts';
import type { DetectedFace, FaceDetector } from '../image/detector.ts';
import { type Drawable, withDrawable } from '../image/drawable.ts';

/** MTCNN's box in parts of the way from the middle of the eyes to the mouth: how far MTCNN's box reaches above the eyes, below the mouth, and how wide it is. */
const ABOVE_EYES = 1.07;
const BELOW_MOUTH = 0.83;
const WIDTH = 2.3;

/** What is used of `FaceDetector` in @mediapipe/tasks-vision, in running mode IMAGE. */
export interface MediaPipeDetector {
  detect(image: Drawable): {
    detections: {
      boundingBox?: { originX: number; originY: number; width: number; height: number } | undefined;
      categories: { score: number }[];
      /** 0 to 1; eyes as the person has them (the right one is on the picture's left), nose, mouth, ears. */
      keypoints?: { x: number; y: number }[];
    }[];
  };
}

/** What is used of @vladmandic/human: places as parts of the picture, since its pixels are those of a smaller one where the picture is large. */
export interface HumanDetector {
  detect(image: Drawable): Promise<{ face: { boxRaw: readonly number[]; score: number; meshRaw?: readonly (readonly number[])[] }[] }>;
}

/** The browser's own, of the Shape Detection API. */
export interface ShapeDetector {
  detect(
    image: Drawable,
  ): Promise<
    { boundingBox: { x: number; y: number; width: number; height: number }; landmarks?: { type: string; locations: Point[] }[] | null }[]
  >;
}

/** A detector whose library says in its own way what it found. @throws FaceXFormerError BAD_OPTION: there is none */
function adapter<Found>(
  library: string,
  detector: { detect(image: Drawable): Found | Promise<Found> },
  facesOf: (found: Found, size: Size) => DetectedFace[],
): FaceDetector {
  mustBeFunction(
    given('The detector cannot be read.', () => detector.detect),
    'detector.detect',
  );
  return {
    detect: (picture) =>
      withDrawable(picture, async (image, size) => {
        const found = await detector.detect(image);
        return given(`${library} gave what is no list of its faces.`, () => facesOf(found, size));
      }),
  };
}

/** MediaPipe's face detector. Its points give the box; its own spans the brows and the chin, and is lower than MTCNN's. */
export const fromMediaPipe = (detector: MediaPipeDetector): FaceDetector =>
  adapter('MediaPipe', detector, ({ detections }, { width, height }) =>
    detections.flatMap(({ boundingBox, categories, keypoints = [] }) => {
      const [left, right, , mouth] = keypoints.map(({ x, y }) => ({ x: x * width, y: y * height }));
      const box = boundingBox && { ...boundingBox, x: boundingBox.originX, y: boundingBox.originY };
      return faceOf(categories[0]?.score ?? 1, { left, right, mouth }, box);
    }),
  );

/** Human's faces. Its mesh gives the box; its own is the mesh's, cut at the hairline. */
export const fromHuman = (human: HumanDetector): FaceDetector =>
  adapter('Human', human, ({ face }, size) =>
    face.flatMap(({ boxRaw, score, meshRaw = [] }) => {
      const at = ([x, y]: readonly number[]): Point => ({ x: (x as number) * size.width, y: (y as number) * size.height });
      const { x: width, y: height } = at(boxRaw.slice(2));
      // Corners of the eyes and middle of the lips, by MediaPipe's numbers of its face mesh.
      const between = (...points: number[]) => middleIfAny(points.flatMap((i) => (meshRaw[i] ? [at(meshRaw[i])] : [])));
      const places = { left: between(33, 133), right: between(362, 263), mouth: between(13, 14) };
      return faceOf(score, places, { ...at(boxRaw), width, height });
    }),
  );

/** The browser's own `FaceDetector`, where it has one. It tells no score: 1. */
export const fromShapeDetector = (detector: ShapeDetector): FaceDetector =>
  adapter('FaceDetector', detector, (faces) =>
    faces.flatMap(({ boundingBox: { x, y, width, height }, landmarks }) => {
      const middles = (kind: string) =>
        (landmarks ?? []).filter(({ type }) => type === kind).map(({ locations }) => middleIfAny(locations));
      const [left, right] = middles('eye');
      return faceOf(1, { left, right, mouth: middles('mouth')[0] }, { x, y, width, height });
    }),
  );

type Places = Readonly<Record<'left' | 'right' | 'mouth', Point | undefined>>;

/** One face, or none where there is neither a box nor what makes one. Larger faces come first only where the detector has them so. */
function faceOf(score: number, { left, right, mouth }: Places, box: AnyBox | undefined): DetectedFace[] {
  const made = left && right && mouth ? boxOfPoints(left, right, mouth) : box;
  if (!Number.isFinite(score)) throw new TypeError(`a score of ${shown(score)}`);
  return made ? [{ box: boxOf(made), score }] : [];
}

/**
 * The box that MTCNN would draw round a face whose eyes and mouth are here: upright whatever the face's roll, as MTCNN's are.
 * @throws FaceXFormerError BAD_OPTION, BAD_BOX: they are no points
 */
export const boxOfPoints = (left: Point, right: Point, mouth: Point): Box =>
  given('Eyes and mouth are points: { x, y }.', () => {
    const eyes = middleOf([left, right]);
    const [downX, downY] = [mouth.x - eyes.x, mouth.y - eyes.y];
    const unit = Math.hypot(downX, downY);
    const part = 0.5 + (BELOW_MOUTH - ABOVE_EYES) / 2;
    const halfHeight = (unit * (1 + ABOVE_EYES + BELOW_MOUTH)) / 2;
    const halfWidth = (unit * WIDTH) / 2;
    const [x, y] = [eyes.x + downX * part, eyes.y + downY * part];
    return boxOf({ x0: x - halfWidth, y0: y - halfHeight, x1: x + halfWidth, y1: y + halfHeight });
  });

const middleIfAny = (points: readonly Point[]): Point | undefined => (points.length > 0 ? middleOf(points) : undefined);
