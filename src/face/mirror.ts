/** A face as it would have been found in the mirror image of its picture: for selfie cameras, whose picture apps show mirrored. */
import { given, mustBeWhole } from '../gpu/given.ts';
import { type AnyBox, type Box, boxOf, type Point, type Size } from '../image/crop.ts';
import type { DrawnFace } from './draw.ts';
import type { Matrix3 } from './pose.ts';
import type { HeadPose, Segmentation } from './results.ts';
import { mustBeSound } from './sound.ts';

/** What a video's session tells of a face besides. */
interface Moving {
  readonly place?: Box;
  readonly velocity?: Point;
}

/** Which of the 68 landmarks each becomes. */
// biome-ignore format: a line each for the jaw, the eyebrows, the nose, the eyes and the lips
const LANDMARK_PLACES = [
  16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
  26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
  27, 28, 29, 30, 35, 34, 33, 32, 31,
  45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
  54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
];
/** The same of COFW's 29 points, and of the detector's five. */
const VISIBILITY_PLACES = [1, 0, 3, 2, 6, 7, 4, 5, 9, 8, 11, 10, 14, 15, 12, 13, 17, 16, 19, 18, 20, 21, 23, 22, 24, 25, 26, 27, 28];
const POINT_PLACES = [1, 0, 2, 4, 3];

const reordered = <Item>(items: readonly Item[], order: readonly number[]): Item[] => items.map((_, i) => items[order[i] ?? i] as Item);

/**
 * The face in the picture turned about its vertical middle: boxes, points and masks change sides, yaw and roll their signs, and names of left and right
 * their places, so that `left` is again what is on the left of the picture. What is not of a side stays; raw outputs and heat maps, which would not be
 * the network's, are left out.
 * @param picture its width, as an `Analysis` has it
 * @throws FaceXFormerError BAD_OPTION, BAD_BOX
 */
export function mirror<Found extends DrawnFace>(face: Found, picture: Pick<Size, 'width'>): Found {
  return given("mirror() takes a face as analyze() gives it, and its picture's size.", () => {
    mustBeWhole(picture.width, 'picture.width', 1);
    mustBeSound(face);
    return mirrored(face, picture.width) as Found;
  });
}

function mirrored(face: DrawnFace & Moving, width: number): DrawnFace & Moving {
  const box = (own: AnyBox): Box => {
    const { x0, y0, x1, y1 } = boxOf(own);
    return { x0: width - x1, y0, x1: width - x0, y1 };
  };
  const point = ({ x, y }: Point): Point => ({ x: width - 1 - x, y });
  const { detected, points, landmarks, visibility, headpose, segmentation, place, velocity, ...rest } = face;
  const { raw: _, heatmaps: __, ...same } = rest as DrawnFace & { raw?: unknown; heatmaps?: unknown };
  return {
    ...same,
    box: box(face.box),
    ...(detected && { detected: box(detected) }),
    ...(points && { points: reordered(points.map(point), POINT_PLACES) }),
    ...(landmarks && { landmarks: reordered(landmarks.map(point), LANDMARK_PLACES) }),
    ...(visibility && { visibility: reordered(visibility, VISIBILITY_PLACES).map((one, index) => ({ ...one, index })) }),
    ...(headpose && { headpose: turned(headpose) }),
    ...(segmentation && { segmentation: flipped(segmentation) }),
    ...(place && { place: box(place) }),
    ...(velocity && { velocity: { ...velocity, x: negated(velocity.x) } }),
  };
}

/** Without a -0. */
const negated = (value: number): number => 0 - value;

/** F R F of the reflection F = diag(-1, 1, 1). */
function turned({ pitch, yaw, roll, radians, matrix }: HeadPose): HeadPose {
  const reflected = matrix.map((value, i) => ([1, 2, 3, 6].includes(i) ? negated(value) : value)) as unknown as Matrix3;
  return {
    pitch,
    yaw: negated(yaw),
    roll: negated(roll),
    radians: { pitch: radians.pitch, yaw: negated(radians.yaw), roll: negated(radians.roll) },
    matrix: reflected,
  };
}

function flipped({ width, height, classes, labels, palette }: Segmentation<string>): Segmentation<string> {
  const other = (label: string) =>
    labels.findIndex((one) => one === label.replace(/left|right/, (side) => (side === 'left' ? 'right' : 'left')));
  const swapped = labels.map((label, i) => (other(label) < 0 ? i : other(label)));
  const turned = new Uint8Array(classes.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned[y * width + x] = swapped[classes[y * width + width - 1 - x] as number] as number;
  return { width, height, classes: turned, labels, palette };
}
