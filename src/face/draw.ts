/**
 * Draws faces on a 2D canvas whose units are picture pixels: the picture itself, or a larger canvas under a transform.
 * Needs no DOM: works in a worker on an OffscreenCanvas.
 */
import type { Box } from '../image/crop.ts';
import type { Task } from './labels.ts';
import { type DrawContext, edgesOf, type Pen, penFor, scaleOf, strokeRimmed } from './pen.ts';
import type { Face } from './results.ts';
import { resultsIn, TASK_TABLE, type TaskTable } from './tasks.ts';

export type { DrawContext } from './pen.ts';
export { AXIS_COLOURS } from './readings/headpose.ts';

/** What to draw of that which the face has: everything but what is set to false. Tasks that have nothing to draw are not looked at. */
export type DrawOptions = { [Name in Task]?: boolean } & {
  box?: boolean;
  /** A line or two of text under the box: age, gender, expression, head pose. */
  caption?: boolean;
  /** How much of the parsing colours is mixed into the picture, 0 to 1; the official script's half by default. */
  opacity?: number;
};

/** Draws faces: parsing colours, under the lines of all, then box, landmarks, pose axes and caption. Leaves the context as it was. */
export function drawFaces(ctx: DrawContext, faces: readonly Face[], options: DrawOptions = {}, table: TaskTable = TASK_TABLE): void {
  const { box = true, caption = true, opacity = 0.5 } = options;
  ctx.save();
  for (const face of faces) drawResults('area', penFor(face.box, ctx, opacity), face, options, table);
  ctx.lineCap = 'round';
  ctx.lineJoin = 'round';
  for (const face of faces) {
    const pen = penFor(face.box, ctx, opacity);
    if (box) drawBox(pen, face.box);
    drawResults('lines', pen, face, options, table);
    if (caption) drawCaption(pen, captionOf(face, table), face.box);
  }
  ctx.restore();
}

function drawResults(as: 'area' | 'lines', pen: Pen, face: Face, options: DrawOptions, table: TaskTable): void {
  for (const { task, reading, found } of resultsIn(face, table))
    if (reading.drawn?.as === as && options[task as Task] !== false) reading.drawn.draw(pen, found, face.box);
}

function drawBox({ ctx, unit }: Pen, { x0, y0, x1, y1 }: Box): void {
  ctx.beginPath();
  // One and a half in: the rim stays inside of the box, and a line of one pixel fills a pixel.
  ctx.rect(x0 + 1.5 * unit, y0 + 1.5 * unit, x1 - x0 - 3 * unit, y1 - y0 - 3 * unit);
  strokeRimmed(ctx, 'rgba(255, 255, 255, 0.9)', unit);
}

/** The caption's lines: the words of all tasks in the first, then those that have a line of their own. */
export function captionOf(face: Face, table: TaskTable = TASK_TABLE): string[] {
  const said = resultsIn(face, table).flatMap(({ reading, found }) => reading.caption?.(found) ?? []);
  const words = said.flatMap((one) => ('words' in one ? one.words : []));
  const lines = said.flatMap((one) => ('line' in one ? one.line : []));
  return words.length > 0 ? [words.join(', '), ...lines] : lines;
}

/** Text on a dark ground under the box, or inside of its lower edge where the canvas ends. */
function drawCaption({ ctx, unit }: Pen, lines: readonly string[], box: Box): void {
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
