/** The picture on its canvas: drawn sharp at any size of the page, with the faces over it and a box that can be dragged. */
import { captionOf, type DrawOptions, drawFaces } from '../src/face/draw.ts';
import { TASK_TABLE, type TaskTable } from '../src/face/tasks.ts';
import type { Box, Face, ParsingClass } from '../src/index.ts';
import { byId, make } from '../tools/page/dom.ts';
import { drawHidden } from './hidden.ts';

type Shown = { image: ImageBitmap | HTMLVideoElement | HTMLCanvasElement; width: number; height: number };

const canvas = byId('view', HTMLCanvasElement);
const closeup = byId('closeup', HTMLCanvasElement);
const same = (a: Box, b: Box) => a.x0 === b.x0 && a.y0 === b.y0 && a.x1 === b.x1 && a.y1 === b.y1;
const inputs = (['x0', 'y0', 'x1', 'y1'] as const).map(
  (name) => [name, document.querySelector<HTMLInputElement>(`#box input[name=${name}]`)] as const,
);

/** A canvas that is larger shows nothing on some phones. */
const LARGEST_CANVAS = { side: 8192, area: 2 ** 24 };

/** Gives a canvas the proportions of width x height and one pixel per pixel of the screen, where it may be as large; says how many these are per unit. */
function sized(to: HTMLCanvasElement, width: number, height: number): number {
  const scale = Math.min(
    Math.max(1, Math.round(to.clientWidth * devicePixelRatio)) / width,
    LARGEST_CANVAS.side / Math.max(width, height),
    Math.sqrt(LARGEST_CANVAS.area / (width * height)),
  );
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  if (to.width !== size.width || to.height !== size.height) Object.assign(to, size);
  return scale;
}

/** A box to tick for each task that has something to draw. */
function layerChoices(table: TaskTable): HTMLElement[] {
  return Object.entries(table)
    .filter(([, { drawn }]) => drawn)
    .map(([task, { title }]) => {
      const input = make('input');
      Object.assign(input, { type: 'checkbox', name: task, checked: true });
      return make('label', '', input, title.toLowerCase());
    });
}

export class Stage {
  faces: readonly Face[] = [];
  /** The one whose cards and close-up are shown. */
  chosen = 0;
  /** Whether faces are to be found; else there is a box. */
  finds = true;
  /** A parsing class that is drawn alone. */
  lit: ParsingClass | undefined;
  /** Hears of a face that was pointed at. */
  onChoice: (index: number) => void = () => {};
  #shown: Shown | undefined;
  #box: Box = { x0: 0, y0: 0, x1: 0, y1: 0 };
  #dragged: Box | undefined;
  #frame = 0;

  /** `onBox` hears of a box that the person has chosen. */
  constructor(onBox: () => void) {
    new ResizeObserver(() => this.draw()).observe(byId('drop', HTMLElement));
    const layers = byId('layers', HTMLFieldSetElement);
    layers.querySelector('legend')?.after(...layerChoices(TASK_TABLE));
    layers.addEventListener('change', () => this.draw());
    this.#watchPointer(onBox);
    byId('box', HTMLFieldSetElement).addEventListener('change', () => {
      this.finds = false;
      this.box = Object.fromEntries(inputs.map(([name, input]) => [name, input?.valueAsNumber])) as unknown as Box;
      onBox();
    });
    byId('whole', HTMLButtonElement).addEventListener('click', () => {
      this.finds = false;
      this.box = this.whole;
      onBox();
    });
    byId('find', HTMLButtonElement).addEventListener('click', () => {
      this.finds = true;
      this.box = this.whole;
      onBox();
    });
    byId('opacity', HTMLInputElement).addEventListener('input', () => this.draw());
  }

  get whole(): Box {
    return { x0: 0, y0: 0, x1: this.#shown?.width ?? 0, y1: this.#shown?.height ?? 0 };
  }

  get box(): Box {
    return this.#box;
  }

  set box(box: Box) {
    this.#box = box;
    for (const [name, input] of inputs) if (input) input.value = Number.isFinite(box[name]) ? String(box[name]) : '';
    this.draw();
  }

  /** Shows another picture, with the whole of it as the box. */
  show(shown: Shown): void {
    this.replace(shown);
    this.faces = [];
    this.chosen = 0;
    this.finds = true;
    canvas.hidden = false;
    byId('hint', HTMLElement).hidden = true;
    byId('drop', HTMLElement).classList.remove('empty');
    byId('controls', HTMLElement).hidden = false;
    this.box = this.whole;
  }

  /** Puts another image of the same picture under the faces. */
  replace(shown: Shown): void {
    if (this.#shown && this.#shown.image !== shown.image && this.#shown.image instanceof ImageBitmap) this.#shown.image.close();
    this.#shown = shown;
    this.draw();
  }

  /** Draws with the next frame, once for however many calls. */
  draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  /** The picture at its own size with what is shown over it, as a PNG. */
  async png(): Promise<Blob> {
    const { width, height } = this.#shown ?? { width: 1, height: 1 };
    const own = new OffscreenCanvas(width, height);
    const ctx = own.getContext('2d');
    if (ctx && this.#shown) this.#paint(ctx, this.#shown);
    return own.convertToBlob({ type: 'image/png' });
  }

  #drawNow(): void {
    const shown = this.#shown;
    const ctx = canvas.getContext('2d');
    if (!shown || !ctx) return;
    const scale = sized(canvas, shown.width, shown.height);
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    this.#paint(ctx, shown);
    this.#drawCloseup(shown);
    const box = this.#dragged ?? this.#box;
    if (!this.#dragged && (this.finds || this.faces.some((face) => same(face.box, box)))) return;
    ctx.lineWidth = (2 * devicePixelRatio) / scale;
    for (const [colour, offset] of [
      ['#000000', 0],
      ['#ffffff', 5],
    ] as const) {
      ctx.setLineDash([5 * ctx.lineWidth, 5 * ctx.lineWidth]);
      ctx.lineDashOffset = offset * ctx.lineWidth;
      ctx.strokeStyle = colour;
      ctx.strokeRect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
    }
    ctx.setLineDash([]);
  }

  /** The chosen face alone and large, where it is but a part of the picture. */
  #drawCloseup(shown: Shown): void {
    const box = this.faces[this.chosen]?.box;
    const figure = byId('face', HTMLElement);
    figure.hidden = !box || same(box, this.whole);
    const ctx = closeup.getContext('2d');
    if (figure.hidden || !box || !ctx) return;
    const scale = sized(closeup, box.x1 - box.x0, box.y1 - box.y0);
    ctx.setTransform(scale, 0, 0, scale, -box.x0 * scale, -box.y0 * scale);
    this.#paint(ctx, shown);
  }

  #paint(ctx: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D, { image, width, height }: Shown): void {
    ctx.imageSmoothingQuality = 'high';
    ctx.clearRect(0, 0, width, height); // through a picture that is clear in part what was drawn before would be seen
    ctx.drawImage(image, 0, 0, width, height);
    const layers = Object.fromEntries(
      [...document.querySelectorAll<HTMLInputElement>('#layers input[type=checkbox]')].map(({ name, checked }) => [name, checked]),
    );
    const opacity = byId('opacity', HTMLInputElement).valueAsNumber / 100;
    const label = (_: unknown, i: number) => {
      const face = this.faces[i] as Face & { id?: number };
      return [`${face.id ?? i + 1}`, ...captionOf(face)];
    };
    const classes = this.lit && { classes: [this.lit] };
    drawFaces(ctx, this.faces, {
      ...(layers as DrawOptions),
      opacity: this.lit ? 1 : opacity,
      ...classes,
      ...(layers['caption'] && { label }),
    });
    if (layers['visibility']) drawHidden(ctx, this.faces);
  }

  /** Chooses the smallest face that is there. */
  #choose({ x, y }: { x: number; y: number }): void {
    const area = ({ box }: Face) => (box.x1 - box.x0) * (box.y1 - box.y0);
    const there = this.faces.filter(({ box }) => x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1);
    const [nearest] = there.sort((a, b) => area(a) - area(b));
    if (nearest) this.onChoice(this.faces.indexOf(nearest));
  }

  #watchPointer(onBox: () => void): void {
    let start: { x: number; y: number } | undefined;
    const place = ({ clientX, clientY }: PointerEvent) => {
      const area = canvas.getBoundingClientRect();
      const { width, height } = this.#shown ?? { width: 1, height: 1 };
      const along = (at: number, from: number, length: number, pixels: number) =>
        Math.min(pixels, Math.max(0, Math.round(((at - from) / length) * pixels)));
      return { x: along(clientX, area.left, area.width, width), y: along(clientY, area.top, area.height, height) };
    };
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      start = place(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!start) return;
      const { x, y } = place(event);
      this.#dragged = { x0: Math.min(x, start.x), y0: Math.min(y, start.y), x1: Math.max(x, start.x), y1: Math.max(y, start.y) };
      this.draw();
    });
    const finish = (keep: boolean) => {
      const box = this.#dragged;
      const at = start;
      start = this.#dragged = undefined;
      this.draw();
      // A box of a few pixels is a slip of the hand.
      if (keep && at && (!box || box.x1 - box.x0 < 8 || box.y1 - box.y0 < 8)) this.#choose(at);
      if (!keep || !box || box.x1 - box.x0 < 8 || box.y1 - box.y0 < 8) return;
      this.finds = false;
      this.box = box;
      onBox();
    };
    canvas.addEventListener('pointerup', () => finish(true));
    canvas.addEventListener('pointercancel', () => finish(false));
  }
}
