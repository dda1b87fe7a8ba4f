import { describe, expect, it } from 'vitest';
import { boxOfPoints, fromHuman, fromMediaPipe, fromShapeDetector } from '../../src/detect/adapters.ts';
import type { Box, Point } from '../../src/image/crop.ts';
import { detections } from './detections.ts';

const areaOf = ({ x0, y0, x1, y1 }: Box): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const shared = areaOf({ x0: Math.max(a.x0, b.x0), y0: Math.max(a.y0, b.y0), x1: Math.min(a.x1, b.x1), y1: Math.min(a.y1, b.y1) });
  return shared / (areaOf(a) + areaOf(b) - shared);
}

const faces = detections.flatMap((one) => one.faces);
const canvas = { width: 960, height: 640, [Symbol.toStringTag]: 'ImageBitmap' } as unknown as ImageBitmap; // only its size is looked at
const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

describe('boxes of eyes and mouth', () => {
  it.for(faces.map((face, i) => [i, face] as const))("are MTCNN's, face %i", ([, { box, points }]) => {
    const [left, right, , mouthLeft, mouthRight] = points as [Point, Point, Point, Point, Point];
    expect(overlap(boxOfPoints(left, right, middle(mouthLeft, mouthRight)), box)).toBeGreaterThan(0.75);
  });
});

describe('adapters', () => {
  const [face] = faces;
  const [left, right, nose, mouthLeft, mouthRight] = (face?.points ?? []) as [Point, Point, Point, Point, Point];
  const mouth = middle(mouthLeft, mouthRight);
  const expected = boxOfPoints(left, right, mouth);
  const near = (box: Box | undefined) => (box ? overlap(box, expected) : 0);

  it('MediaPipe, whose points are parts of the picture', async () => {
    const keypoints = [left, right, nose, mouth].map(({ x, y }) => ({ x: x / 960, y: y / 640 }));
    const detector = fromMediaPipe({ detect: () => ({ detections: [{ categories: [{ score: 0.8 }], keypoints }] }) });
    const [found] = await detector.detect(canvas);
    expect(near(found?.box)).toBeCloseTo(1);
    expect(found?.score).toBe(0.8);
  });

  it("MediaPipe's answer as its reference has it: corners where it has no points, every face, none for nothing", async () => {
    const detection = {
      categories: [{ score: 0.93, index: 0, categoryName: '', displayName: '' }],
      boundingBox: { originX: 126, originY: 100, width: 463, height: 463, angle: 0 },
    };
    const points = [0.44, 0.56, 0.5, 0.5, 0.37, 0.6].map((x, i) => ({ x, y: 0.4 + 0.02 * i, label: '', score: 0 }));
    const answers = [{ detections: [{ ...detection, keypoints: points }, { ...detection, keypoints: [] }, detection] }, { detections: [] }];
    const detector = fromMediaPipe({ detect: () => answers.shift() as (typeof answers)[number] });
    const [first, ...others] = await detector.detect(canvas);
    const at = (i: number): Point => ({ x: (points[i]?.x ?? 0) * 960, y: (points[i]?.y ?? 0) * 640 });
    expect(first).toEqual({ box: boxOfPoints(at(0), at(1), at(3)), score: 0.93 });
    expect(others).toEqual([1, 2].map(() => ({ box: { x0: 126, y0: 100, x1: 589, y1: 563 }, score: 0.93 })));
    expect(await detector.detect(canvas)).toEqual([]);
  });

  it('Human, by its mesh, or its box where it has none, as parts of the picture: of a large one its pixels are those of a smaller one', async () => {
    const meshRaw: number[][] = Array.from({ length: 468 }, () => [0, 0, 0]);
    for (const [i, { x, y }] of [
      [33, left],
      [133, left],
      [362, right],
      [263, right],
      [13, mouth],
      [14, mouth],
    ] as [number, Point][])
      meshRaw[i] = [x / 960, y / 640, 0];
    const box = { box: [100, 50, 200, 100], boxRaw: [0.25, 0.25, 0.5, 0.5] };
    const detector = fromHuman({
      detect: async () => ({
        face: [
          { ...box, score: 0.7, meshRaw, mesh: meshRaw.map(([x = 0, y = 0]) => [400 * x, 200 * y, 0]) },
          { ...box, score: 0.6 },
        ],
      }),
    });
    const [found, plain] = await detector.detect(canvas);
    expect(near(found?.box)).toBeCloseTo(1);
    expect(plain?.box).toEqual({ x0: 240, y0: 160, x1: 720, y1: 480 });
    for (const broken of [{ boxRaw: [0.1, 0.2, 0.3] }, { ...box, meshRaw: meshRaw.map(([x = 0]) => [x]) }]) {
      const wrong = fromHuman({ detect: async () => ({ face: [{ score: 0.6, ...broken }] }) });
      await expect(wrong.detect(canvas)).rejects.toMatchObject({ code: 'BAD_BOX' });
    }
  });

  it("the browser's own, whose eyes come in any order", async () => {
    const landmarks = [
      { type: 'eye', locations: [right] },
      { type: 'eye', locations: [left] },
      { type: 'mouth', locations: [mouthLeft, mouthRight] },
    ];
    const found = (landmarks: object[]) =>
      fromShapeDetector({ detect: async () => [{ boundingBox: { x: 0, y: 0, width: 9, height: 9 }, landmarks } as never] }).detect(canvas);
    expect(near((await found(landmarks))[0]?.box)).toBeCloseTo(1);
    for (const missing of [0, 1, 2]) // without one of them its box is all there is
      expect(await found(landmarks.toSpliced(missing, 1))).toEqual([{ box: { x0: 0, y0: 0, x1: 9, y1: 9 }, score: 1 }]);
  });
});
