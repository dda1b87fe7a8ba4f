/** A face as it would have been found in the mirror image of its picture: for selfie cameras, whose picture apps show mirrored. */
import { given, mustBeWhole } from '../gpu/given.ts';
import { type AnyBox, type Box, boxOf, type Point, type Size } from '../image/crop.ts';
import type { DrawnFace } from './draw.ts';
import { LANDMARKS, VISIBILITY_POINTS } from './labels.ts';
import type { Matrix3 } from './pose.ts';
import { VISIBILITY_REGIONS } from './quality.ts';
import type { HeadPose, Segmentation } from './results.ts';

/** Runs of the 68 landmarks whose ends change places, and so on towards the middle; and the eyes' points, which are in the order of a circle. */
const LANDMARK_RUNS = [
  [0, 16],
  [17, 26],
  [31, 35],
  [48, 54],
  [55, 59],
  [60, 64],
  [65, 67],
] as const;
const EYE_PAIRS = [
  [36, 45],
  [37, 44],
  [38, 43],
  [39, 42],
  [40, 47],
  [41, 46],
] as const;

/** Of the detector's five points: the eyes, and the corners of the mouth. */
const POINT_PAIRS = [
  [0, 1],
  [3, 4],
] as const;

/** Where each of so many goes. */
function places(count: number, pairs: readonly (readonly [number, number])[]): number[] {
  const place = Array.from({ length: count }, (_, i) => i);
  for (const [a, b] of pairs) [place[a], place[b]] = [b, a];
  return place;
}

const runPairs = LANDMARK_RUNS.flatMap(([first, last]) =>
  Array.from({ length: Math.ceil((last - first) / 2) }, (_, i) => [first + i, last - i] as const),
);
const LANDMARK_PLACES = places(LANDMARKS, [...runPairs, ...EYE_PAIRS]);
/** COFW's points of one side are in the order of their images on the other; of the nose and the mouth two change places each. */
const sidePairs = (['eyebrow', 'eye'] as const).flatMap((part) =>
  VISIBILITY_REGIONS[`left ${part}`].map((left, i) => [left, VISIBILITY_REGIONS[`right ${part}`][i] ?? left] as const),
);
const VISIBILITY_PLACES = places(VISIBILITY_POINTS, [...sidePairs, [18, 19], [22, 23]]);
const POINT_PLACES = places(5, POINT_PAIRS);

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
    return mirrored(face, picture.width) as Found;
  });
}

function mirrored(face: DrawnFace, width: number): DrawnFace {
  const box = (own: AnyBox): Box => {
    const { x0, y0, x1, y1 } = boxOf(own);
    return { x0: width - x1, y0, x1: width - x0, y1 };
  };
  const point = ({ x, y }: Point): Point => ({ x: width - 1 - x, y });
  const { detected, points, landmarks, visibility, headpose, segmentation, ...rest } = face;
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
