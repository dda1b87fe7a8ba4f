/**
 * Draws faces on a 2D canvas whose units are picture pixels: the picture itself, or a larger canvas under a transform.
 * Needs no DOM: works in a worker on an OffscreenCanvas.
 */
import type { Box, Point } from '../image/crop.ts';
import { LANDMARK_GROUPS, PARSING } from './labels.ts';
import type { Face, HeadPose, Segmentation } from './results.ts';

export type DrawContext = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** What to draw of that which the face has: everything but what is set to false. */
export interface DrawOptions {
  segmentation?: boolean;
  landmarks?: boolean;
  headpose?: boolean;
  box?: boolean;
  /** A line or two of text under the box: age, gender, expression, head pose. */
  caption?: boolean;
  /** How much of the parsing colours is mixed into the picture, 0 to 1; the official script's half by default. */
  opacity?: number;
}

/** Colours of the head's axes, in the order x (to the right), y (down), z (where the face looks). */
export const AXIS_COLOURS = ['#ff453a', '#32d74b', '#0a84ff'] as const;

/** Draws faces: parsing colours, under the lines of all, then box, landmarks, pose axes and caption. Leaves the context as it was. */
export function drawFaces(ctx: DrawContext, faces: readonly Face[], options: DrawOptions = {}): void {
  const { segmentation = true, landmarks = true, headpose = true, box = true, caption = true, opacity = 0.5 } = options;
  ctx.save();
  for (const face of faces) if (segmentation && face.segmentation) drawParsing(ctx, face.segmentation, face.box, opacity);
  ctx.lineCap = 'round';
  ctx.lineJoin = 'round';
  for (const face of faces) {
    const unit = strokeUnit(ctx, face.box);
    if (box) drawBox(ctx, face.box, unit);
    if (landmarks && face.landmarks) drawLandmarks(ctx, face.landmarks, unit);
    if (headpose && face.headpose) drawAxes(ctx, face.headpose, face.box, unit);
    if (caption) drawCaption(ctx, captionOf(face), face.box, unit);
  }
  ctx.restore();
}

/** Canvas pixels per unit of the context. */
function scaleOf(ctx: DrawContext): number {
  const { a, b, c, d } = ctx.getTransform();
  return Math.sqrt(Math.abs(a * d - b * c)) || 1;
}

/** Width of a fine line: a part of the face's size, so that it looks alike at every resolution, but no less than a canvas pixel. */
function strokeUnit(ctx: DrawContext, { x0, y0, x1, y1 }: Box): number {
  return Math.max(Math.max(x1 - x0, y1 - y0) / 280, 1 / scaleOf(ctx));
}

/** Class colours over the crop, nearest neighbour; background stays clear, so that the picture keeps its light there. */
function drawParsing(ctx: DrawContext, { width, height, classes }: Segmentation, box: Box, opacity: number): void {
  const colours = new ImageData(width, height);
  classes.forEach((index, i) => {
    const colour = PARSING[index]?.colour;
    if (index !== 0 && colour) colours.data.set([...colour, 255], 4 * i);
  });
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(colours, 0, 0);
  ctx.save();
  ctx.globalAlpha = opacity;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(canvas, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
  ctx.restore();
}

/** Strokes the current path in a colour over a dark rim, which keeps it readable on any picture. */
function strokeRimmed(ctx: DrawContext, colour: string, width: number): void {
  ctx.lineWidth = width * 2.2;
  ctx.strokeStyle = 'rgba(0, 0, 0, 0.45)';
  ctx.stroke();
  ctx.lineWidth = width;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

function drawBox(ctx: DrawContext, { x0, y0, x1, y1 }: Box, unit: number): void {
  ctx.beginPath();
  // One and a half in: the rim stays inside of the box, and a line of one pixel fills a pixel.
  ctx.rect(x0 + 1.5 * unit, y0 + 1.5 * unit, x1 - x0 - 3 * unit, y1 - y0 - 3 * unit);
  strokeRimmed(ctx, 'rgba(255, 255, 255, 0.9)', unit);
}

/** Landmarks have pixel centres at integers, a canvas has them at halves. */
const HALF = 0.5;

function drawLandmarks(ctx: DrawContext, points: readonly Point[], unit: number): void {
  ctx.beginPath();
  for (const { first, last, closed } of LANDMARK_GROUPS) {
    points.slice(first, last + 1).forEach(({ x, y }, i) => {
      if (i === 0) ctx.moveTo(x + HALF, y + HALF);
      else ctx.lineTo(x + HALF, y + HALF);
    });
    if (closed) ctx.closePath();
  }
  strokeRimmed(ctx, '#5ef1ff', unit);
  ctx.beginPath();
  for (const { x, y } of points) {
    ctx.moveTo(x + HALF + 1.4 * unit, y + HALF);
    ctx.arc(x + HALF, y + HALF, 1.4 * unit, 0, 2 * Math.PI);
  }
  ctx.fillStyle = '#ffffff';
  ctx.fill();
}

/** The columns of the rotation matrix from the middle of the box, seen along z: the official script's axes. */
function drawAxes(ctx: DrawContext, { matrix }: HeadPose, { x0, y0, x1, y1 }: Box, unit: number): void {
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const length = Math.min(x1 - x0, y1 - y0) * 0.35;
  AXIS_COLOURS.forEach((colour, axis) => {
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x + length * (matrix[axis] as number), y + length * (matrix[3 + axis] as number));
    strokeRimmed(ctx, colour, 2 * unit);
  });
}

/** The caption's lines: what was asked for, in few words. */
function captionOf({ age, gender, expression, headpose }: Face): string[] {
  const who = [age && `${age.label} years`, gender?.label, expression?.label].filter((word) => word !== undefined);
  const turn = (degrees: number) => `${Math.round(degrees)}°`;
  const lines = who.length > 0 ? [who.join(', ')] : [];
  if (headpose) lines.push(`pitch ${turn(headpose.pitch)}  yaw ${turn(headpose.yaw)}  roll ${turn(headpose.roll)}`);
  return lines;
}

/** Text on a dark ground under the box, or inside of its lower edge where the canvas ends. */
function drawCaption(ctx: DrawContext, lines: readonly string[], box: Box, unit: number): void {
  if (lines.length === 0) return;
  const size = Math.max(9 * unit, 11 / scaleOf(ctx));
  ctx.font = `600 ${size}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  const pad = size * 0.5;
  const width = Math.max(...lines.map((line) => ctx.measureText(line).width)) + 2 * pad;
  const height = lines.length * size * 1.35 + pad;
  const edge = edgesOf(ctx);
  const left = Math.max(edge.x0, Math.min(box.x0, edge.x1 - width));
  const top = box.y1 + height <= edge.y1 ? box.y1 : Math.max(edge.y0, Math.min(box.y1, edge.y1) - height);
  ctx.fillStyle = 'rgba(0, 0, 0, 0.66)';
  ctx.fillRect(left, top, width, height);
  ctx.fillStyle = '#ffffff';
  lines.forEach((line, i) => {
    ctx.fillText(line, left + pad, top + pad / 2 + (i + 0.5) * size * 1.35);
  });
}

/** The canvas's rectangle in the context's units; transforms that turn are not looked into. */
function edgesOf(ctx: DrawContext): Box {
  const { a, d, e, f } = ctx.getTransform();
  return { x0: -e / a, y0: -f / d, x1: (ctx.canvas.width - e) / a, y1: (ctx.canvas.height - f) / d };
}
