/** The mirror image of a face: what is of a side changes it, and twice is as before. */
import { describe, expect, it } from 'vitest';
import { faceOf } from '../../src/face/faces.ts';
import { LANDMARK_GROUPS, PARSING } from '../../src/face/labels.ts';
import { mirror } from '../../src/face/mirror.ts';
import { matrixOf } from '../../src/face/pose.ts';
import type { Face } from '../../src/face/results.ts';

const picture = { width: 300, height: 200 };
const numbers = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9 + seed));
const mask = Uint8Array.from({ length: 224 * 224 }, (_, i) => (i * 7 + (i >> 8)) % PARSING.length);
const raw = { landmarks: numbers(136, 1), headpose: Float32Array.of(0.2, 0.4, -0.1), visibility: numbers(29, 2), age: numbers(8, 3), mask };
const face: Face = {
  ...faceOf(raw, { crop: { x0: 40, y0: 20, x1: 140, y1: 120 }, form: 'released' }),
  source: 'detector',
  score: 0.9,
  detected: { x0: 60.5, y0: 40, x1: 120, y1: 100 },
  points: [70, 110, 90, 75, 105].map((x, i) => ({ x, y: 50 + 10 * i })),
};

describe('mirror', () => {
  const there = mirror(face, picture);

  it('twice is the face as it was', () => {
    expect(mirror(there, picture)).toEqual(face);
  });

  it('moves boxes to the other side, their left staying left', () => {
    expect(there.box).toEqual({ x0: 160, y0: 20, x1: 260, y1: 120 });
    expect(there.detected).toEqual({ x0: 180, y0: 40, x1: 239.5, y1: 100 });
    expect(there).toMatchObject({ source: 'detector', score: 0.9, age: face.age });
  });

  it("turns what a video's session says of a face, too: its place, and where it is going", () => {
    const tracked = { ...face, place: { x0: 55, y0: 40, x1: 125, y1: 100 }, velocity: { x: 30, y: -5 }, id: 4 };
    const other = mirror(tracked, picture);
    expect(other).toEqual({ ...there, place: { x0: 175, y0: 40, x1: 245, y1: 100 }, velocity: { x: -30, y: -5 }, id: 4 });
    expect(mirror({ ...tracked, velocity: { x: 0, y: 0 } }, picture).velocity).toEqual({ x: 0, y: 0 });
  });

  it('keeps the names of points: the eye on the left is on the left', () => {
    expect(there.points?.map(({ x }) => x)).toEqual([189, 229, 209, 194, 224]);
    expect(there.points?.map(({ y }) => y)).toEqual([60, 50, 70, 90, 80]);
  });

  it('turns the 68 landmarks so that every line of them is one again', () => {
    const group = (of: Face, name: string) => {
      const { first, last } = LANDMARK_GROUPS.find((one) => one.name === name) as { first: number; last: number };
      return of.landmarks?.slice(first, last + 1).map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`);
    };
    const flipped: Face = {
      box: face.box,
      landmarks: (face.landmarks ?? []).map(({ x, y }) => ({ x: picture.width - 1 - x, y })),
    };
    const other = (name: string) => name.replace(/left|right/, (side) => (side === 'left' ? 'right' : 'left'));
    for (const { name } of LANDMARK_GROUPS) expect(group(there, name)?.toSorted(), name).toEqual(group(flipped, other(name))?.toSorted());
    // Lines go from left to right in the picture, eyes and lips round from the left; those of brows and eyes begin at the other's other end.
    const at = (of: Face, i: number) => of.landmarks?.[i]?.y;
    expect([0, 8, 17, 27, 30, 31, 36, 39, 40, 41, 48, 51, 57, 60, 66].map((i) => at(there, i))).toEqual(
      [16, 8, 26, 27, 30, 35, 45, 42, 47, 46, 54, 51, 57, 64, 66].map((i) => at(face, i)),
    );
  });

  it('turns the head: yaw and roll have the other sign, and the matrix is theirs', () => {
    const { pitch, yaw, roll, radians, matrix } = there.headpose as NonNullable<Face['headpose']>;
    expect([pitch, yaw, roll]).toEqual([face.headpose?.pitch, -(face.headpose?.yaw ?? 0), -(face.headpose?.roll ?? 0)]);
    matrixOf(radians).forEach((value, i) => {
      expect(matrix[i]).toBeCloseTo(value, 12);
    });
  });

  it('changes the sides of classes and of occluded points', () => {
    const { classes, labels } = there.segmentation as NonNullable<Face['segmentation']>;
    const before = labels[mask[224 * 5 + 3] as number] as string;
    const after = labels[classes[224 * 5 + 220] as number];
    expect(after).toBe(before.replace(/left|right/, (side) => (side === 'left' ? 'right' : 'left')));
    expect(there.visibility?.map(({ index }) => index)).toEqual(Array.from({ length: 29 }, (_, i) => i));
    expect([0, 6, 12, 20, 28].map((i) => there.visibility?.[i]?.probability)).toEqual(
      [1, 4, 14, 20, 28].map((i) => face.visibility?.[i]?.probability),
    );
  });

  it("leaves a class of another network's that has no other side", () => {
    const segmentation = {
      width: 3,
      height: 1,
      classes: Uint8Array.of(0, 1, 2),
      labels: ['left eye', 'right eye', 'left glove'],
      palette: [],
    };
    expect(mirror({ box: face.box, segmentation }, picture).segmentation?.classes).toEqual(Uint8Array.of(2, 0, 1));
  });

  it('leaves out what the network did not say of that picture', () => {
    expect(Object.keys(mirror({ ...face, raw: {}, heatmaps: {} } as Face, picture))).not.toEqual(expect.arrayContaining(['raw']));
    expect(mirror({ box: face.box }, picture)).toEqual({ box: there.box });
  });
});
