/**
 * Draws faces on a 2D canvas whose units are picture pixels: the picture itself, or a larger canvas under a transform.
 * Needs no DOM: works in a worker on an OffscreenCanvas.
 */
import { badOption } from '../gpu/errors.ts';
import { given, type Kind, mustBe, optionsOf, shown } from '../gpu/given.ts';
import { type Box, boxOf } from '../image/crop.ts';
import { type ParsingClass, TASKS, type Task } from './labels.ts';
import { COLOURS, type Colours, type DrawContext, drawDots, edgesOf, type Pen, penFor, scaleOf, strokeRimmed } from './pen.ts';
import type { Colour, Face, Segmentation } from './results.ts';
import { mustBeSound } from './sound.ts';
import { resultsIn, TASK_TABLE, type TaskTable } from './tasks.ts';

/** A face of FaceXFormer, or of another network that parses it into other classes. */
export type DrawnFace = Omit<Face, 'segmentation'> & { segmentation?: Segmentation<string> };

/** What to draw of that which the face has: everything but what is set to false, and how. Tasks that have nothing to draw are not looked at. */
export type DrawOptions = { [Name in Task]?: boolean | undefined } & {
  box?: boolean | undefined;
  /** The detector's five points; false unless given. */
  points?: boolean | undefined;
  /** A line or two of text under the box: age, gender, expression, head pose; or what `label` says. */
  caption?: boolean | undefined;
  /** What is written under a face, one line or several; undefined for nothing. */
  label?: ((face: DrawnFace, index: number) => string | readonly string[] | undefined) | undefined;
  /** How much of the parsing colours is mixed into the picture, 0 to 1; the official script's half by default. */
  opacity?: number | undefined;
  /** Which parsing classes are drawn, FaceXFormer's or another network's; all but the background unless given. */
  classes?: readonly (ParsingClass | (string & {}))[] | undefined;
  /** Their colours, red, green and blue from 0 to 255, where they are to be others than their own. */
  classColours?: ({ readonly [Name in ParsingClass]?: Colour } & Readonly<Record<string, Colour>>) | undefined;
  /** Colours of lines, dots and text, as CSS writes them; those that are not given stay. */
  colours?: Partial<Colours> | undefined;
  /** How wide fine lines are, in the context's units; a part of the face's size unless given, so that pictures of any size look alike. */
  lineWidth?: number | undefined;
  /** The caption's font, as CSS writes a family, with its weight and style before it; `600 system-ui, sans-serif` unless given. */
  font?: string | undefined;
  /** The height of its letters in the context's units; by the lines' width unless given. */
  fontSize?: number | undefined;
};

const DRAW_OPTIONS = {
  ...(Object.fromEntries(TASKS.map((task) => [task, 'boolean'])) as Record<Task, Kind>),
  box: 'boolean',
  points: 'boolean',
  caption: 'boolean',
  label: 'function',
  opacity: 'count',
  classes: 'any',
  classColours: 'any',
  colours: 'any',
  lineWidth: 'count',
  font: 'any',
  fontSize: 'count',
} as const;

/**
 * Draws faces on a canvas whose units are the picture's pixels: parsing colours, under the lines of all, then box, landmarks, pose axes and caption.
 * Leaves the context as it was.
 * @throws FaceXFormerError BAD_OPTION, BAD_BOX
 */
export function drawFaces(ctx: DrawContext, faces: readonly DrawnFace[], options: DrawOptions = {}): void {
  const own = optionsOf<DrawOptions>('drawFaces', DRAW_OPTIONS, options);
  // A canvas would leave it at 1 without a word, for who means percent.
  if (Number(own.opacity) > 1) throw badOption(`\`opacity\` is ${own.opacity}; it must be a number from 0 to 1.`);
  // And these as they were, where they draw nothing.
  for (const name of ['lineWidth', 'fontSize'] as const)
    if (own[name] !== undefined && !(own[name] > 0 && own[name] < 1e9))
      throw badOption(`\`${name}\` is ${own[name]}; it must be a number above 0, of the context's units.`);
  given('drawFaces() takes a 2D context, a list of faces as analyze() gives them, and an object of options.', () => {
    ctx.save();
    try {
      drawAll(ctx, faces, own);
    } finally {
      ctx.restore();
    }
  });
}

/** @param table of a network of other tasks, which the public function knows nothing of */
export function drawAll(ctx: DrawContext, faces: readonly DrawnFace[], options: DrawOptions, table: TaskTable = TASK_TABLE): void {
  const { box = true, points = false, caption = true, label, opacity = 0.5, lineWidth, classes, classColours, font } = options;
  if (font !== undefined && !isTaken(ctx, 'font', fontOf(font, 10), ['8px serif', '9px serif']))
    throw badOption(`\`font\` is ${shown(font)}; it must be a family as CSS writes it, with no size: see \`fontSize\`.`);
  const boxed = faces.map((face) => ({ ...face, box: boxOf(face.box) })); // by what is no number nothing would be drawn
  for (const face of boxed) mustBeSound(face);
  const labels = new Set(faces.flatMap(({ segmentation }) => segmentation?.labels ?? []));
  const unknown = [...(classes ?? []), ...Object.keys(classColours ?? {})].find((name) => !labels.has(name));
  if (labels.size > 0 && unknown !== undefined)
    throw badOption(`There is no class ${shown(unknown)}. Choose from ${[...labels].join(', ')}.`);
  for (const [name, colour] of Object.entries(classColours ?? {}))
    if (colour && !([...colour].length === 3 && [...colour].every((part) => typeof part === 'number' && part >= 0 && part <= 255)))
      throw badOption(`\`classColours.${name}\` is ${shown(colour)}; it must be red, green and blue, each 0 to 255.`);
  const style = { opacity, lineWidth, classes, classColours, colours: coloursOf(ctx, options.colours) };
  for (const face of boxed) drawResults('area', penFor(face.box, ctx, style), face, options, table);
  ctx.lineCap = 'round';
  ctx.lineJoin = 'round';
  for (const [i, face] of boxed.entries()) {
    const pen = penFor(face.box, ctx, style);
    if (box) drawBox(pen, face.box);
    drawResults('lines', pen, face, options, table);
    if (points && face.points) drawDots(pen, face.points, { colour: style.colours.points, radius: 2.4 * pen.unit });
    if (caption) drawCaption(pen, label ? [label(faces[i] as DrawnFace, i) ?? []].flat() : captionOf(face, table), face.box, options);
  }
}

/** @throws FaceXFormerError BAD_OPTION: colours of what is not drawn, or that the canvas would pass over without a word */
function coloursOf(ctx: DrawContext, colours: Partial<Colours> = {}): Colours {
  const own = Object.entries(colours).filter(([, colour]) => colour !== undefined);
  for (const [name, colour] of own) {
    mustBe(Object.keys(COLOURS), name, 'colours');
    const isOne = name === 'axes' ? colour.length === 3 && [...colour].every((one) => isColour(ctx, one)) : isColour(ctx, colour);
    if (!isOne)
      throw badOption(`\`colours.${name}\` is ${shown(colour)}; it must be ${name === 'axes' ? 'three colours' : 'a colour'} of CSS.`);
  }
  return { ...COLOURS, ...Object.fromEntries(own) };
}

const isColour = (ctx: DrawContext, colour: unknown): boolean => isTaken(ctx, 'fillStyle', colour, ['#000', '#fff']);

/** Whether a context can read what it is given: what it cannot leaves what was there, whatever that is. */
function isTaken(ctx: DrawContext, property: 'fillStyle' | 'font', value: unknown, others: readonly string[]): boolean {
  const [first, second] = others.map((other) => {
    ctx[property] = other;
    ctx[property] = value as string;
    return ctx[property];
  });
  return first === second;
}

function drawResults(as: 'area' | 'lines', pen: Pen, face: DrawnFace, options: DrawOptions, table: TaskTable): void {
  for (const { task, reading, found } of resultsIn(face, table))
    if (reading.drawn?.as === as && options[task as Task] !== false) reading.drawn.draw(pen, found, face.box);
}

function drawBox(pen: Pen, { x0, y0, x1, y1 }: Box): void {
  const { ctx, unit, colours } = pen;
  ctx.beginPath();
  // One and a half in: the rim stays inside of the box, and a line of one pixel fills a pixel.
  ctx.rect(x0 + 1.5 * unit, y0 + 1.5 * unit, x1 - x0 - 3 * unit, y1 - y0 - 3 * unit);
  strokeRimmed(pen, colours.box, unit);
}

/** The caption's lines: the words of all tasks in the first, then those that have a line of their own. */
export function captionOf(face: DrawnFace, table: TaskTable = TASK_TABLE): string[] {
  const said = resultsIn(face, table).flatMap(({ reading, found }) => reading.caption?.(found) ?? []);
  const words = said.flatMap((one) => ('words' in one ? one.words : []));
  const lines = said.flatMap((one) => ('line' in one ? one.line : []));
  return words.length > 0 ? [words.join(', '), ...lines] : lines;
}

/** Text on a dark ground under the box, or inside of its lower edge where the canvas ends. */
function drawCaption({ ctx, unit, colours }: Pen, lines: readonly string[], box: Box, { font, fontSize }: DrawOptions): void {
  if (lines.length === 0) return;
  const size = fontSize ?? Math.max(9 * unit, 11 / scaleOf(ctx));
  ctx.font = fontOf(font ?? '600 system-ui, sans-serif', size);
  ctx.textBaseline = 'middle';
  const pad = size * 0.5;
  const width = Math.max(...lines.map((line) => ctx.measureText(line).width)) + 2 * pad;
  const height = lines.length * size * 1.35 + pad;
  const edge = edgesOf(ctx);
  const left = Math.max(edge.x0, Math.min(box.x0, edge.x1 - width));
  const top = box.y1 + height <= edge.y1 ? box.y1 : Math.max(edge.y0, Math.min(box.y1, edge.y1) - height);
  ctx.fillStyle = colours.ground;
  ctx.fillRect(left, top, width, height);
  ctx.fillStyle = colours.text;
  lines.forEach((line, i) => {
    ctx.fillText(line, left + pad, top + pad / 2 + (i + 0.5) * size * 1.35);
  });
}

/** CSS wants the size between weight and style, which are words without a comma, and the family. */
function fontOf(font: string, size: number): string {
  const [, before = '', family = font] =
    /^((?:(?:normal|italic|oblique|bold|bolder|lighter|small-caps|\d{3})\s+)*)(.+)$/.exec(font.trim()) ?? [];
  return `${before}${size}px ${family}`;
}
