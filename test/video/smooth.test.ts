/** Points and labels along a track, of generated faces at 30 frames a second. */
import { describe, expect, it } from 'vitest';
import { matrixOf } from '../../src/face/pose.ts';
import type { Face } from '../../src/face/results.ts';
import { anglesOf } from '../../src/face/rotation.ts';
import type { Point } from '../../src/image/crop.ts';
import { FaceSmoother } from '../../src/video/smooth.ts';
import { normal, random } from './scene.ts';

const SECONDS = 1 / 30;
const SIZE = 120;

/** 68 points over a face whose centre is at x, y. */
const shape = (x: number, y: number, size = SIZE): Point[] =>
  Array.from({ length: 68 }, (_, i) => ({ x: x + 0.4 * size * Math.cos(i), y: y + 0.5 * size * Math.sin(1.7 * i) }));

const box = { x0: 0, y0: 0, x1: 9, y1: 9 };
const centre = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

/** Root mean square of how far points lie from where they are truly. */
const off = (points: readonly Point[], truth: readonly Point[]): number =>
  Math.sqrt(points.reduce((sum, { x, y }, i) => sum + (x - (truth[i]?.x ?? 0)) ** 2 + (y - (truth[i]?.y ?? 0)) ** 2, 0) / points.length);

describe.each([
  ['of its own', 1, 0],
  ['that all of a face share', 0, 1],
  ['of both kinds', 0.7, 0.7],
])('each point has noise %s', (_, own, shared) => {
  it.each([0.5, 1, 2])('of %d pixels: a fifth of it is left while a face is still', (deviation) => {
    const noise = normal(random(3));
    const smoother = new FaceSmoother();
    const truth = shape(300, 200);
    let [raw, smooth] = [0, 0];
    for (let frame = 0; frame < 450; frame++) {
      const [sx, sy] = [shared * deviation * noise(), shared * deviation * noise()];
      const landmarks = truth.map(({ x, y }) => ({ x: x + sx + own * deviation * noise(), y: y + sy + own * deviation * noise() }));
      const found = smoother.next({ box, landmarks }, SECONDS).landmarks as Point[];
      if (frame < 150) continue;
      raw += off(landmarks, truth) ** 2;
      smooth += off(found, truth) ** 2;
    }
    expect(Math.sqrt(smooth / raw)).toBeLessThan(0.2);
  });
});

describe('a face that walks', () => {
  // A face is 16 cm wide: 1.4 m a second are nine of it near the camera's distance of a selfie or far away alike.
  it.each([1, 2, 4, 9])('%d of its sizes a second is less than a frame behind, from a third of a second on', (speed) => {
    const noise = normal(random(5));
    const smoother = new FaceSmoother();
    const lags: number[] = [];
    for (let frame = 0; frame < 90; frame++) {
      const x = 100 + Math.max(0, frame - 30) * SECONDS * speed * SIZE;
      const truth = shape(x, 200);
      const landmarks = truth.map(({ x, y }) => ({ x: x + 0.7 * noise(), y: y + 0.7 * noise() }));
      const found = smoother.next({ box, landmarks }, SECONDS).landmarks as Point[];
      if (frame >= 40) lags.push((centre(truth).x - centre(found).x) / (speed * SIZE) / SECONDS);
    }
    expect(Math.max(...lags)).toBeLessThan(1);
  });

  it('is drawn at its size when it comes nearer, and closes its mouth in time', () => {
    const smoother = new FaceSmoother();
    let found: Point[] = [];
    const nearer = (frame: number) => shape(300, 200, SIZE * 1.02 ** frame);
    for (let frame = 0; frame < 60; frame++) found = smoother.next({ box, landmarks: nearer(frame) }, SECONDS).landmarks as Point[];
    expect(off(found, nearer(59)) / (SIZE * 1.02 ** 59)).toBeLessThan(0.03);
    const open = nearer(59).map((point, i) => (i > 60 ? { ...point, y: point.y + 60 } : point));
    for (let frame = 0; frame < 8; frame++) found = smoother.next({ box, landmarks: open }, SECONDS).landmarks as Point[];
    expect((found[65] as Point).y - (nearer(59)[65] as Point).y).toBeGreaterThan(40);
  });
});

it('a pose is held still, follows a turn, and stays a rotation', () => {
  const noise = normal(random(9));
  const smoother = new FaceSmoother();
  const turned = (yaw: number): Face => {
    const matrix = matrixOf({ pitch: 0.1 + 0.03 * noise(), yaw: yaw + 0.03 * noise(), roll: 0.03 * noise() });
    const radians = anglesOf(matrix);
    return { box, headpose: { pitch: 0, yaw: 0, roll: 0, radians, matrix } };
  };
  const yaws: number[] = [];
  for (let frame = 0; frame < 300; frame++) yaws.push(smoother.next(turned(0.2), SECONDS).headpose?.radians.yaw ?? 0);
  const late = yaws.slice(100);
  expect(Math.sqrt(late.reduce((sum, yaw) => sum + (yaw - 0.2) ** 2, 0) / late.length)).toBeLessThan(0.03 / 3);
  let last = smoother.next(turned(0.2), SECONDS).headpose;
  for (let frame = 0; frame < 20; frame++) last = smoother.next(turned(0.2 + 0.06 * frame), SECONDS).headpose;
  expect(last?.radians.yaw).toBeGreaterThan(0.9);
  for (const angle of ['pitch', 'yaw', 'roll'] as const)
    expect(last?.[angle]).toBeCloseTo(((last?.radians[angle] ?? 0) * 180) / Math.PI, 9);
  expect(smoother.next(turned(0), 0).headpose?.radians.yaw).toBeCloseTo(last?.radians.yaw ?? 0, 6); // of the same moment
  const m = last?.matrix as readonly number[];
  expect(Math.hypot(m[0] as number, m[1] as number, m[2] as number)).toBeCloseTo(1, 9);
});

it('labels follow the mean of what was seen, not the last frame', () => {
  const smoother = new FaceSmoother();
  const gender = (female: number): Face => ({
    box,
    gender: {
      label: female > 0.5 ? 'female' : 'male',
      probability: Math.max(female, 1 - female),
      probabilities: { male: 1 - female, female },
    },
    attributes: { Smiling: { probability: female, value: female >= 0.5 } } as Face['attributes'] & object,
    visibility: [{ index: 0, occluded: female >= 0.5, probability: female }],
  });
  const labels = Array.from({ length: 40 }, (_, i) => smoother.next(gender(i % 4 === 0 ? 0.4 : 0.8), SECONDS));
  expect(new Set(labels.slice(4).map((face) => face.gender?.label))).toEqual(new Set(['female']));
  const last = labels.at(-1) as Face;
  expect(last.gender?.probability).toBeCloseTo(0.7, 1);
  expect((last.gender?.probabilities.male ?? 0) + (last.gender?.probabilities.female ?? 0)).toBeCloseTo(1, 9);
  for (const { attributes, visibility } of labels.slice(4))
    expect([attributes?.Smiling.value, visibility?.[0]?.occluded]).toEqual([true, true]);
  for (let i = 0; i < 20; i++) smoother.next(gender(0.1), SECONDS);
  const male = smoother.next(gender(0.1), SECONDS);
  expect([male.gender?.label, male.attributes?.Smiling.value, male.visibility?.[0]?.occluded]).toEqual(['male', false, false]);
});

it('labels of every task do, those of a head that is added too, and an age with its years', () => {
  const smoother = new FaceSmoother();
  const seen = (wild: number) => {
    const choice = { label: wild > 0.5 ? 'wild' : 'calm', probability: Math.max(wild, 1 - wild), probabilities: { calm: 1 - wild, wild } };
    return { box, mood: choice, age: { ...choice, years: 40 * wild } } as unknown as Face;
  };
  smoother.next(seen(0.8), SECONDS);
  const smooth = {
    label: 'wild',
    probability: expect.closeTo(0.6),
    probabilities: { calm: expect.closeTo(0.4), wild: expect.closeTo(0.6) },
  };
  expect(smoother.next(seen(0.4), SECONDS)).toEqual({ box, mood: smooth, age: { ...smooth, years: expect.closeTo(24) } });
});
