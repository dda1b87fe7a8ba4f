/** What the drawing tests run in the browser: draws and gives pixels back. */
import { type BlurOptions, blurFaces, type CropFaceOptions, cropFace, type DrawOptions, drawFaces, maskBitmap } from '../../src/draw.ts';
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

/** What drawing one face says is wrong. */
export function refusalOf(scene: Scene, box: Face['box'], options: DrawOptions): string {
  try {
    drawFaces(canvasOf(scene), [face(box)], options);
  } catch (error) {
    return String(error);
  }
  return '';
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

/** Draws with options that are functions, which do not cross to here: labels of so many lines. */
export const changedByLabel = (scene: Scene, box: Face['box'], options: DrawOptions, lines: number) =>
  changed(scene, box, { ...options, label: (_, i) => (lines === 0 ? undefined : Array.from({ length: lines }, () => `Face ${i}`)) });

const rgba = (ctx: OffscreenCanvasRenderingContext2D, at: readonly [number, number][]) =>
  at.map(([x, y]) => [...ctx.getImageData(x, y, 1, 1).data]);

/** A picture whose left half is red and whose right half is blue, but for a white dot of 10 pixels about (30, 20). */
function halves(width: number, height: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const ctx = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  ctx.fillStyle = '#f00';
  ctx.fillRect(0, 0, width / 2, height);
  ctx.fillStyle = '#00f';
  ctx.fillRect(width / 2, 0, width / 2, height);
  ctx.fillStyle = '#fff';
  ctx.fillRect(25, 15, 10, 10);
  return canvas;
}

/** Pixels of a crop of each kind of picture: a canvas, a file, raw pixels. */
export async function cropped(face: Pick<Face, 'box' | 'points'>, options: CropFaceOptions, at: [number, number][]): Promise<number[][][]> {
  const picture = halves(100, 60);
  const raw = (picture.getContext('2d') as OffscreenCanvasRenderingContext2D).getImageData(0, 0, 100, 60);
  const found: number[][][] = [];
  for (const source of [picture, await picture.convertToBlob(), { data: raw.data, width: 100, height: 60 }]) {
    const crop = await cropFace(source, face, options);
    found.push([[crop.width, crop.height], ...rgba(crop.getContext('2d') as OffscreenCanvasRenderingContext2D, at)]);
  }
  return found;
}

/** Pixels after a checkered face of 64 was blurred, on a canvas of twice the picture's size where `scale` is 2. */
export function blurred(
  scale: number,
  options: BlurOptions,
  at: [number, number][],
  alpha = 1,
  filter = 'none',
  turn = 0,
  side = 64,
): number[][] {
  const canvas = new OffscreenCanvas(100 * scale, 100 * scale);
  const ctx = canvas.getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  ctx.scale(scale, scale);
  ctx.globalAlpha = alpha;
  for (let y = 0; y < 100; y++)
    for (let x = 0; x < 100; x++) {
      ctx.fillStyle = (x + y) % 2 === 0 ? '#fff' : '#000';
      ctx.fillRect(x, y, 1, 1);
    }
  ctx.filter = filter;
  ctx.translate(50, 50);
  ctx.rotate(turn);
  ctx.translate(-50, -50);
  blurFaces(ctx, [{ box: { x0: 10, y0: 10, x1: 10 + side, y1: 10 + side } }, { box: { x0: 500, y0: 0, x1: 600, y1: 50 } }], options);
  return rgba(ctx, at).map(([red = 0, , , opacity = 0]) => [red, opacity]);
}

/** A mask's size, and pixels of it. */
export async function masked(colour: [number, number, number], at: [number, number][]): Promise<number[][]> {
  const bitmap = await maskBitmap(face({ x0: 20, y0: 10, x1: 60, y1: 50 }), ['skin'], { width: 80, height: 60 }, { colour });
  const ctx = new OffscreenCanvas(80, 60).getContext('2d') as OffscreenCanvasRenderingContext2D;
  ctx.drawImage(bitmap, 0, 0);
  return [[bitmap.width, bitmap.height], ...rgba(ctx, at)];
}
