/** What the drawing tests run in the browser: draws and gives pixels back. */
import { type DrawOptions, drawFaces } from '../../src/face/draw.ts';
import { faceOf } from '../../src/face/faces.ts';
import type { Matrix3 } from '../../src/face/pose.ts';
import type { Face } from '../../src/face/results.ts';

export type Scene = Parameters<typeof canvasOf>[0];

function canvasOf(scene: { width: number; height: number; scale?: number; ground: string }) {
  const { width, height, scale = 1, ground } = scene;
  const ctx = new OffscreenCanvas(width * scale, height * scale).getContext('2d', { willReadFrequently: true });
  if (!ctx) throw new Error('no 2D context');
  ctx.fillStyle = ground;
  ctx.fillRect(0, 0, width * scale, height * scale);
  ctx.scale(scale, scale);
  return ctx;
}

/** Left half skin, right half background, over `box`; every landmark at the box's middle; the given rotation. */
function face(box: Face['box'], matrix?: Matrix3): Face {
  const mask = Uint8Array.from({ length: 224 * 224 }, (_, i) => (i % 224 < 112 ? 1 : 0));
  const raw = { landmarks: new Float32Array(136), gender: Float32Array.of(0, 4), age: new Float32Array(8), headpose: new Float32Array(3) };
  const made = faceOf({ ...raw, ...(mask && { mask }) }, { crop: box, form: 'released' });
  if (matrix && made.headpose) made.headpose.matrix = matrix;
  return made;
}

/** Draws one face and gives the RGB of the canvas pixels asked for. */
export function pixelsOf(scene: Scene, box: Face['box'], options: DrawOptions, at: [number, number][], matrix?: Matrix3): number[][] {
  const ctx = canvasOf(scene);
  drawFaces(ctx, [face(box, matrix)], options);
  return at.map(([x, y]) => [...ctx.getImageData(x, y, 1, 1).data].slice(0, 3));
}

/** The canvas rectangle of pixels that drawing changed, right and bottom exclusive; undefined when none did. */
export function changed(scene: Scene, box: Face['box'], options: DrawOptions): number[] | undefined {
  const ctx = canvasOf(scene);
  const { width, height } = ctx.canvas;
  const before = new Uint32Array(ctx.getImageData(0, 0, width, height).data.buffer);
  drawFaces(ctx, [face(box)], options);
  const after = new Uint32Array(ctx.getImageData(0, 0, width, height).data.buffer);
  let [left, top, right, bottom] = [width, height, 0, 0];
  after.forEach((value, i) => {
    if (value === before[i]) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  });
  return right === 0 ? undefined : [left, top, right, bottom];
}

/** The state of a context before and after drawing. */
export function stateKept(): boolean {
  const ctx = canvasOf({ width: 64, height: 64, ground: '#fff' });
  ctx.globalAlpha = 0.25;
  ctx.lineWidth = 7;
  const state = () =>
    [ctx.globalAlpha, ctx.lineWidth, ctx.fillStyle, ctx.strokeStyle, ctx.font, ctx.imageSmoothingEnabled, ctx.lineCap].join();
  const before = state();
  drawFaces(ctx, [face({ x0: 0, y0: 0, x1: 32, y1: 32 }), face({ x0: 32, y0: 0, x1: 64, y1: 32 })]);
  return state() === before;
}
