/** Faces made unrecognisable on a canvas. */
import { given, mustBeWhole, optionsOf } from '../gpu/given.ts';
import { type AnyBox, type Box, boxOf, grown, OFFICIAL_MARGIN } from '../image/crop.ts';
import { contextOf, type DrawContext } from './pen.ts';

/** What `blurFaces` takes. */
export interface BlurOptions {
  /** How many patches a face is reduced to, along its longer side; 8 unless given. Fewer hide more. */
  readonly patches?: number | undefined;
  /** Patches as they are, instead of smoothed into each other. */
  readonly mosaic?: boolean | undefined;
  /** What of the box is covered: the oval in it, the default, or all of it. */
  readonly shape?: 'oval' | 'box' | undefined;
}

/** What of a face is looked at: its box, and where it is itself, which the detector or a video's session has said. */
interface BlurredFace {
  readonly box: AnyBox;
  readonly detected?: Box | undefined;
  readonly place?: Box | undefined;
}

/**
 * Covers faces on a canvas that shows their picture with what is left of them when they are reduced to a few patches, each of the mean colour of its
 * pixels: what is taken away so is not on the canvas any more. Units are the context's, as for `drawFaces`.
 * Needs no filter, which Safari's canvas has not.
 * @param faces anything with a `box`, which is covered: the widened one of an analysed face holds hair and chin. A face that the picture's edge cuts is
 * covered as far as if it were whole.
 * @throws FaceXFormerError BAD_OPTION, BAD_BOX: no face is covered then
 */
export function blurFaces(ctx: DrawContext, faces: readonly BlurredFace[], options: BlurOptions = {}): void {
  const own = optionsOf<BlurOptions>('blurFaces', { patches: 'any', mosaic: 'boolean', shape: ['oval', 'box'] }, options);
  if (own.patches !== undefined) mustBeWhole(own.patches, 'patches', 1);
  given('blurFaces() takes a 2D context, and a list of faces as analyze() gives them.', () => {
    const boxes = faces.map(coveredOf);
    ctx.save();
    try {
      blurAll(ctx, boxes, own);
    } finally {
      ctx.restore();
    }
  });
}

/** A face's box; and what it would be if it did not end at the picture's edge or had not been moved into the picture, where its middle is not the face's. */
function coveredOf({ box, detected, place = detected }: BlurredFace): Box {
  const own = boxOf(box);
  if (!place) return own;
  const whole = grown(boxOf(place), OFFICIAL_MARGIN);
  return {
    x0: Math.min(own.x0, whole.x0),
    y0: Math.min(own.y0, whole.y0),
    x1: Math.max(own.x1, whole.x1),
    y1: Math.max(own.y1, whole.y1),
  };
}

function blurAll(ctx: DrawContext, boxes: readonly Box[], { patches = 8, mosaic = false, shape = 'oval' }: BlurOptions): void {
  const units = ctx.getTransform();
  ctx.globalAlpha = 1;
  ctx.filter = 'none';
  ctx.shadowColor = 'transparent';
  ctx.fillStyle = '#000';
  for (const box of boxes) {
    const { x0, y0, x1, y1 } = bounds(box, units);
    const left = Math.max(0, Math.floor(x0));
    const top = Math.max(0, Math.floor(y0));
    const width = Math.min(ctx.canvas.width, Math.ceil(x1)) - left;
    const height = Math.min(ctx.canvas.height, Math.ceil(y1)) - top;
    if (!(width > 0 && height > 0)) continue;
    const scale = patches / Math.max(width, height);
    const small = reduced(ctx.canvas, { left, top, width, height }, [width * scale, height * scale]);
    ctx.save();
    ctx.beginPath();
    pathOf(ctx, box, shape);
    ctx.clip();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.imageSmoothingEnabled = !mosaic;
    ctx.imageSmoothingQuality = 'high';
    // In the picture's place, not over it: where it is clear in part, it would be seen through them.
    ctx.globalCompositeOperation = 'destination-out';
    ctx.fillRect(left, top, width, height);
    ctx.globalCompositeOperation = 'lighter';
    ctx.drawImage(small, left, top, width, height);
    ctx.restore();
  }
}

/** What a box takes of a canvas, in its pixels. */
function bounds({ x0, y0, x1, y1 }: Box, { a, b, c, d, e, f }: DOMMatrix): Box {
  const across = [a * x0 + c * y0, a * x1 + c * y0, a * x0 + c * y1, a * x1 + c * y1];
  const down = [b * x0 + d * y0, b * x1 + d * y0, b * x0 + d * y1, b * x1 + d * y1];
  return { x0: Math.min(...across) + e, y0: Math.min(...down) + f, x1: Math.max(...across) + e, y1: Math.max(...down) + f };
}

function pathOf(ctx: DrawContext, { x0, y0, x1, y1 }: Box, shape: 'oval' | 'box'): void {
  if (shape === 'box') ctx.rect(x0, y0, x1 - x0, y1 - y0);
  else ctx.ellipse((x0 + x1) / 2, (y0 + y1) / 2, Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2, 0, 0, 2 * Math.PI);
}

/**
 * A part of a canvas at a few pixels, by halves: whatever a browser's filter is, twice as small it is the mean of four. It is enlarged first to so many
 * that all halves are whole: where one is not, single pixels that alternate are not evened out, and waves of them stay. A large one is not, since phones
 * have no canvas above 4096 x 4096.
 */
function reduced(
  source: HTMLCanvasElement | OffscreenCanvas,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
  to: readonly [number, number],
): OffscreenCanvas {
  const [lastWidth, lastHeight] = [Math.max(1, Math.round(to[0])), Math.max(1, Math.round(to[1]))];
  const doubled = (last: number, side: number) => last * 2 ** Math.max(0, Math.ceil(Math.log2((side > 2048 ? side / 2 : side) / last)));
  let image = source;
  let part = [left, top, width, height] as [number, number, number, number];
  for (let [w, h] = [doubled(lastWidth, width), doubled(lastHeight, height)]; ; ) {
    const ctx = contextOf(w, h);
    ctx.drawImage(image, ...part, 0, 0, w, h);
    if (w === lastWidth && h === lastHeight) return ctx.canvas;
    image = ctx.canvas;
    part = [0, 0, w, h];
    [w, h] = [Math.max(lastWidth, w / 2), Math.max(lastHeight, h / 2)];
  }
}
