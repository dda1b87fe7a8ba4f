/** Faces turned upright: where five points come to lie, and what a crop is refused for. The pixels are a browser's: draw.gpu.test.ts. */
import { afterEach, expect, it, vi } from 'vitest';
import { alignment, cropFace } from '../../src/face/crop-face.ts';
import type { Point } from '../../src/image/crop.ts';
import { codeOf } from '../errors.ts';

const TEMPLATE: readonly Point[] = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
].map(([x = 0, y = 0]) => ({ x, y }));

/** Picture points that a turn, a scale and a shift have made of the template's. */
const moved = (angle: number, scale: number, [dx, dy]: readonly [number, number]): Point[] =>
  TEMPLATE.map(({ x, y }) => ({
    x: scale * (Math.cos(angle) * x - Math.sin(angle) * y) + dx,
    y: scale * (Math.sin(angle) * x + Math.cos(angle) * y) + dy,
  }));

it.each<[angle: number, scale: number, shift: readonly [number, number]]>([
  [0, 1, [0, 0]],
  [0.5, 3, [100, -20]],
  [-2.8, 0.4, [900, 300]],
])('a face turned by %s, scaled by %s and moved by %j comes to lie on the template, at any size', (angle, scale, shift) => {
  const points = moved(angle, scale, shift);
  for (const side of [112, 224, 37]) {
    const { a, b, x, y } = alignment(points, side);
    for (const [i, point] of points.entries()) {
      const [px, py] = [point.x + 0.5, point.y + 0.5]; // a canvas has pixel centres at halves
      const { x: wantedX, y: wantedY } = TEMPLATE[i] as Point;
      expect(a * px - b * py + x).toBeCloseTo(((wantedX + 0.5) * side) / 112, 6);
      expect(b * px + a * py + y).toBeCloseTo(((wantedY + 0.5) * side) / 112, 6);
    }
  }
});

it('points that no turn brings there come as near as they can: no similarity nearby is nearer', () => {
  const points = moved(0.2, 2, [5, 5]).map(({ x, y }, i) => ({ x: x + Math.sin(7 * i), y: y + Math.cos(5 * i) }));
  const best = alignment(points, 112);
  const error = ({ a, b, x, y }: typeof best) =>
    points.reduce((sum, { x: px, y: py }, i) => {
      const { x: wantedX, y: wantedY } = TEMPLATE[i] as Point;
      return sum + (a * (px + 0.5) - b * (py + 0.5) + x - wantedX - 0.5) ** 2 + (b * (px + 0.5) + a * (py + 0.5) + y - wantedY - 0.5) ** 2;
    }, 0);
  for (const name of ['a', 'b', 'x', 'y'] as const)
    for (const step of [-1e-3, 1e-3]) expect(error({ ...best, [name]: best[name] + step })).toBeGreaterThan(error(best));
});

afterEach(() => vi.unstubAllGlobals());

const upright = moved(0.5, 3, [100, -20]);
/** 68 landmarks whose eyes have these middles. */
const landmarks = Array.from({ length: 68 }, (_, i): Point => {
  const [left, right, nose, mouthLeft, mouthRight] = upright as [Point, Point, Point, Point, Point];
  const eye = i < 42 ? left : right;
  if (i >= 36 && i < 48) return { x: eye.x + 9 * Math.cos((i * Math.PI) / 3), y: eye.y + 4 * Math.sin((i * Math.PI) / 3) };
  return ({ 30: nose, 48: mouthLeft, 54: mouthRight } as Record<number, Point>)[i] ?? { x: 0, y: 0 };
});
const box = { x0: 10, y0: 20, x1: 50, y1: 100 };
const aligned = (side: number) => {
  const { a, b, x, y } = alignment(upright, side);
  return [a, b, -b, a, x, y];
};
it.each([
  ['its box, at its own size', { box }, {}, 80, [1, 0, 0, 1, 10, -20]],
  ['its box, at another', { box }, { size: 160 }, 160, [2, 0, 0, 2, 20, -40]],
  ["the detector's points", { box, points: upright, landmarks: landmarks.map(() => ({ x: 1, y: 2 })) }, { align: true }, 112, aligned(112)],
  ['its landmarks', { box, landmarks }, { align: true, size: 64 }, 64, aligned(64)],
])('a face is cut out by %s', async (_, face, options, side, turn) => {
  const setTransform = vi.fn();
  vi.stubGlobal('createImageBitmap', async () => ({ width: 2, height: 2, close() {} }));
  vi.stubGlobal('ImageData', class {});
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor(
        readonly width: number,
        readonly height: number,
      ) {}
      getContext = () => ({ canvas: this, setTransform, drawImage() {} });
    },
  );
  const { width, height } = await cropFace({ data: new Uint8Array(16), width: 2, height: 2 }, face, options);
  expect([width, height]).toEqual([side, side]);
  expect(setTransform.mock.lastCall).toEqual(turn.map((value) => expect.closeTo(value, 6)));
});

it('what cannot be cut out is refused', async () => {
  const picture = { data: new Uint8Array(16), width: 2, height: 2 };
  const face = { box: { x0: 0, y0: 0, x1: 2, y1: 2 } };
  expect(await codeOf(() => cropFace(picture, face, { align: true }))).toBe('BAD_OPTION');
  for (const far of [0, Number.NaN, 1e200]) {
    const points = TEMPLATE.map(({ x, y }) => ({ x: 1 + far * x, y: 1 + far * y }));
    expect(await codeOf(() => cropFace(picture, { ...face, points }, { align: true }))).toBe('BAD_OPTION');
  }
  for (const side of [0, -9, 1e-300]) {
    const none = { box: { x0: 1, y0: 1, x1: 1 + side, y1: 1 + side } };
    for (const size of [undefined, 112]) expect(await codeOf(() => cropFace(picture, none, { size }))).toBe('BAD_OPTION');
  }
  for (const size of [0, 1.5, Number.NaN, -3]) expect(await codeOf(() => cropFace(picture, face, { size }))).toBe('BAD_OPTION');
  expect(await codeOf(() => cropFace(null as never, face))).toBe('BAD_PICTURE');
});
