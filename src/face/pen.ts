/** What faces are drawn with: lines that look alike on pictures of any size. */
import { given } from '../gpu/given.ts';
import type { Box, Point } from '../image/crop.ts';

export type DrawContext = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** What is drawn in which colour, as CSS writes them. */
export interface Colours {
  /** Lines: of the box, between landmarks, and the rim that keeps all of them readable on any picture. */
  readonly box: string;
  readonly landmarks: string;
  readonly rim: string;
  /** Dots: at the landmarks, and the detector's five points. */
  readonly dots: string;
  readonly points: string;
  /** The head's axes: x to the right, y down, z where the face looks. */
  readonly axes: readonly [string, string, string];
  /** The caption, and what it is written on. */
  readonly text: string;
  readonly ground: string;
}

export const COLOURS: Colours = {
  box: 'rgba(255, 255, 255, 0.9)',
  landmarks: '#5ef1ff',
  rim: 'rgba(0, 0, 0, 0.45)',
  dots: '#ffffff',
  points: '#ffd60a',
  axes: ['#ff453a', '#32d74b', '#0a84ff'],
  text: '#ffffff',
  ground: 'rgba(0, 0, 0, 0.66)',
};

/** How faces are drawn, whichever they are. */
export interface Style {
  /** How opaque areas are, 0 to 1. */
  readonly opacity: number;
  readonly colours: Colours;
  /** How wide a fine line is, in the context's units; by the face's size unless given. */
  readonly lineWidth?: number | undefined;
  /** Which parsing classes are drawn, and in what colours, red, green and blue from 0 to 255; all, in their own, unless given. */
  readonly classes?: readonly string[] | undefined;
  readonly classColours?: Readonly<Record<string, readonly [number, number, number] | undefined>> | undefined;
}

/** A context, and how wide a fine line is in its units. */
export interface Pen extends Style {
  readonly ctx: DrawContext;
  readonly unit: number;
}

/** The pen for a face: a fine line is a part of the face's size, so that it looks alike at every resolution, but no less than a canvas pixel. */
export function penFor({ x0, y0, x1, y1 }: Box, ctx: DrawContext, style: Style): Pen {
  return { ...style, ctx, unit: style.lineWidth ?? Math.max(Math.max(x1 - x0, y1 - y0) / 280, 1 / scaleOf(ctx)) };
}

/** What draws on a new canvas of that size, which is then drawn on another. @throws FaceXFormerError BAD_OPTION: there are none here, or none of that size */
export const contextOf = (width: number, height: number): OffscreenCanvasRenderingContext2D =>
  given(`There is no canvas of ${width} x ${height} pixels here.`, () => {
    const ctx = new OffscreenCanvas(width, height).getContext('2d');
    if (!ctx) throw new TypeError(); // what is drawn by way of it would not be there
    return ctx;
  });

/** Canvas pixels per unit of the context. */
export function scaleOf(ctx: DrawContext): number {
  const { a, b, c, d } = ctx.getTransform();
  return Math.sqrt(Math.abs(a * d - b * c)) || 1;
}

/** Strokes the current path in a colour over a dark rim, which keeps it readable on any picture. */
export function strokeRimmed({ ctx, colours }: Pen, colour: string, width: number): void {
  ctx.lineWidth = width * 2.2;
  ctx.strokeStyle = colours.rim;
  ctx.stroke();
  ctx.lineWidth = width;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/** The canvas's rectangle in the context's units; transforms that turn are not looked into. */
export function edgesOf(ctx: DrawContext): Box {
  const { a, d, e, f } = ctx.getTransform();
  return { x0: -e / a, y0: -f / d, x1: (ctx.canvas.width - e) / a, y1: (ctx.canvas.height - f) / d };
}

/** Points have pixel centres at integers, a canvas has them at halves. */
export const HALF = 0.5;

/** A dot at each point of a picture. */
export function drawDots({ ctx }: Pen, points: readonly Point[], { colour, radius }: { colour: string; radius: number }): void {
  ctx.beginPath();
  for (const { x, y } of points) {
    ctx.moveTo(x + HALF + radius, y + HALF);
    ctx.arc(x + HALF, y + HALF, radius, 0, 2 * Math.PI);
  }
  ctx.fillStyle = colour;
  ctx.fill();
}
