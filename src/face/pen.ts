/** What faces are drawn with: lines that look alike on pictures of any size. */
import type { Box } from '../image/crop.ts';

export type DrawContext = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** A context, how wide a fine line is in its units, and how opaque areas are, 0 to 1. */
export interface Pen {
  readonly ctx: DrawContext;
  readonly unit: number;
  readonly opacity: number;
}

/** The pen for a face: a fine line is a part of the face's size, so that it looks alike at every resolution, but no less than a canvas pixel. */
export function penFor({ x0, y0, x1, y1 }: Box, ctx: DrawContext, opacity: number): Pen {
  return { ctx, unit: Math.max(Math.max(x1 - x0, y1 - y0) / 280, 1 / scaleOf(ctx)), opacity };
}

/** Canvas pixels per unit of the context. */
export function scaleOf(ctx: DrawContext): number {
  const { a, b, c, d } = ctx.getTransform();
  return Math.sqrt(Math.abs(a * d - b * c)) || 1;
}

/** Strokes the current path in a colour over a dark rim, which keeps it readable on any picture. */
export function strokeRimmed(ctx: DrawContext, colour: string, width: number): void {
  ctx.lineWidth = width * 2.2;
  ctx.strokeStyle = 'rgba(0, 0, 0, 0.45)';
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
