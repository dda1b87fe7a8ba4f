/** Parts of a face in the whole picture: as soft alpha, as a coloured bitmap, and as outlines. */
import { badOption } from '../gpu/errors.ts';
import { given, mustBeWhole, optionsOf, shown } from '../gpu/given.ts';
import { type Box, boxOf, type Point, type Size, wholeBox, within } from '../image/crop.ts';
import type { ParsingClass } from './labels.ts';
import type { Segmentation } from './results.ts';

/** A face that was parsed, by FaceXFormer or another network. */
export interface ParsedFace<Label extends string = ParsingClass> {
  readonly box: Box;
  readonly segmentation?: Segmentation<Label> | undefined;
}

export interface MaskOptions {
  /**
   * Edges that fall from 255 to 0 over about a pixel of the parsing map, the default; `false` gives each pixel of the picture wholly to the class of the
   * nearest one.
   */
  readonly soft?: boolean | undefined;
}

const TAKES = 'A mask is made of a face as analyze() gives it, a list of its classes, and the size of its picture.';

/**
 * How much of each pixel of the picture is of these classes: 0 to 255, [picture.height, picture.width]; 0 outside of the face's box. What of that is beyond the
 * picture, as of a face that a video has led on, is left out.
 * @throws FaceXFormerError BAD_OPTION: the face was not parsed, a class is not of its labels, or the picture has no size; BAD_BOX
 */
export function alphaOf<Label extends string>(
  face: ParsedFace<Label>,
  classes: readonly NoInfer<Label>[],
  picture: Size,
  options: MaskOptions = {},
): Uint8ClampedArray<ArrayBuffer> {
  const { soft = true } = optionsOf<MaskOptions>('alphaOf', { soft: 'boolean' }, options);
  return given(TAKES, () => alphaIn(face, classes, picture, soft));
}

function alphaIn(face: ParsedFace<string>, classes: readonly string[], picture: Size, soft: boolean): Uint8ClampedArray<ArrayBuffer> {
  const { width, height, chosen } = chosenIn(face, classes);
  for (const side of ['width', 'height'] as const) mustBeWhole(picture[side], `picture.${side}`, 1);
  const whole = wholeBox(face.box);
  const part = within(whole, picture);
  const across = tapsOf(width, [whole.x0, whole.x1], [part.x0, part.x1], soft);
  const down = tapsOf(height, [whole.y0, whole.y1], [part.y0, part.y1], soft);
  const rows = new Float32Array(height * across.length);
  for (let y = 0; y < height; y++)
    for (const [x, taps] of across.entries()) rows[y * across.length + x] = mixed(taps, chosen, y * width, 1);
  const alpha = new Uint8ClampedArray(picture.width * picture.height);
  for (const [y, taps] of down.entries())
    for (let x = 0; x < across.length; x++) alpha[(part.y0 + y) * picture.width + part.x0 + x] = 255 * mixed(taps, rows, x, across.length);
  return alpha;
}

/**
 * These classes in a colour, as an ImageBitmap of the picture's size that is clear elsewhere: to be drawn over the picture, or to cut it out by
 * `globalCompositeOperation`.
 * @param colour red, green and blue, 0 to 255; white unless given
 * @throws FaceXFormerError as `alphaOf`
 */
export async function maskBitmap<Label extends string>(
  face: ParsedFace<Label>,
  classes: readonly NoInfer<Label>[],
  picture: Size,
  options: MaskOptions & { readonly colour?: readonly [number, number, number] | undefined } = {},
): Promise<ImageBitmap> {
  const own = optionsOf<typeof options>('maskBitmap', { soft: 'boolean', colour: 'any' }, options);
  const [red, green, blue] = given('`colour` is red, green and blue, 0 to 255.', () => {
    const [...parts] = own.colour ?? [255, 255, 255];
    for (const part of parts) mustBeWhole(part, 'colour', 0, 255);
    if (parts.length !== 3) throw badOption(`\`colour\` is ${shown(own.colour)}; it is red, green and blue.`);
    return parts as [number, number, number];
  });
  const alpha = alphaOf(face, classes, picture, { soft: own.soft });
  try {
    const image = new ImageData(picture.width, picture.height);
    const { data } = image;
    for (let i = 0; i < alpha.length; i++) {
      if (alpha[i] === 0) continue;
      data[4 * i] = red;
      data[4 * i + 1] = green;
      data[4 * i + 2] = blue;
      data[4 * i + 3] = alpha[i] as number;
    }
    return await createImageBitmap(image);
  } catch (cause) {
    throw badOption(`The browser makes no bitmap of ${picture.width} x ${picture.height} pixels.`, { cause });
  }
}

/**
 * The outlines of these classes, each a closed line of picture points whose centres have integer coordinates: round each part that hangs together, with
 * the part on the right hand of who walks along, and the other way round each hole. Corners lie half way between pixels of the parsing map.
 * @throws FaceXFormerError as `alphaOf`
 */
export function contoursOf<Label extends string>(face: ParsedFace<Label>, classes: readonly NoInfer<Label>[]): Point[][] {
  return given(TAKES, () => contoursIn(face, classes));
}

function contoursIn(face: ParsedFace<string>, classes: readonly string[]): Point[][] {
  const { width, height, chosen } = chosenIn(face, classes);
  const isIn = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && chosen[y * width + x] === 1;
  const stride = 2 * width + 1;
  /** Where a step from the middle of one side of a cell leads: halves of a pixel, counted row by row from the map's upper left corner. */
  const steps = new Map<number, number>();
  for (let y = -1; y < height; y++)
    for (let x = -1; x < width; x++) {
      const corners = [isIn(x + 1, y), isIn(x + 1, y + 1), isIn(x, y + 1), isIn(x, y)]; // clockwise, each after the side of its number
      if (corners[0] === corners[1] && corners[1] === corners[2] && corners[2] === corners[3]) continue;
      const middle = (2 * y + 2) * stride + 2 * x + 2;
      const sides = [middle - stride, middle + 1, middle + stride, middle - 1];
      for (const [k, from] of sides.entries()) {
        if (corners[(k + 3) % 4] || !corners[k]) continue;
        let end = k + 1;
        while (corners[end % 4]) end++;
        steps.set(sides[end % 4] as number, from);
      }
    }
  const { x0, y0, x1, y1 } = boxOf(face.box);
  const inPicture = (at: number): Point => ({
    x: x0 + (((at % stride) / 2) * (x1 - x0)) / width - 0.5,
    y: y0 + ((Math.floor(at / stride) / 2) * (y1 - y0)) / height - 0.5,
  });
  const contours: Point[][] = [];
  for (const begin of steps.keys()) {
    const line: number[] = [];
    for (let [from, to] = [begin, steps.get(begin)]; to !== undefined; [from, to] = [to, steps.get(to)]) {
      steps.delete(from);
      line.push(to);
    }
    const turns = line.filter((at, i) => at - (line.at(i - 1) as number) !== (line[(i + 1) % line.length] as number) - at);
    contours.push(turns.map(inPicture));
  }
  return contours;
}

/** The parsing map: 1 where it has one of the classes, else 0. @throws FaceXFormerError BAD_OPTION */
function chosenIn({ segmentation }: ParsedFace<string>, asked: readonly string[]): Size & { chosen: Float32Array } {
  if (!segmentation) throw badOption('The face has no `segmentation`: analyse it with that task.');
  const { width, height, classes, labels } = segmentation;
  mustBeWhole(width, 'segmentation.width', 1);
  mustBeWhole(height, 'segmentation.height', 1);
  if (classes.length !== width * height)
    throw badOption(`The segmentation has ${shown(classes.length)} classes for ${width} x ${height} pixels.`);
  const unknown = asked.find((name) => !labels.includes(name));
  if (unknown !== undefined) throw badOption(`There is no class ${shown(unknown)}. Choose from ${labels.join(', ')}.`);
  const isAsked = labels.map((label) => Number(asked.includes(label)));
  const chosen = new Float32Array(classes.length);
  for (let i = 0; i < chosen.length; i++) chosen[i] = isAsked[classes[i] as number] ?? 0;
  return { width, height, chosen };
}

/** From which pixels another one is made, and in what parts. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** What is made of pixels that lie `step` apart from a place on. */
function mixed({ first, weights }: Taps, pixels: ArrayLike<number>, start: number, step: number): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += (weights[k] as number) * (pixels[start + step * (first + k)] as number);
  return sum;
}

/** Where pixels begin and end. */
type Span = readonly [begin: number, end: number];

/** Each pixel of a part of what `from` pixels are stretched over, made of those. Soft is a triangle, wide enough to miss none where there are fewer. */
function tapsOf(from: number, [low, high]: Span, [first, end]: Span, soft: boolean): Taps[] {
  const scale = from / (high - low);
  const reach = Math.max(scale, 1);
  return Array.from({ length: end - first }, (_, i) => {
    const centre = (first + i - low + 0.5) * scale;
    if (!soft) return { first: Math.floor(centre), weights: [1] };
    const left = Math.max(0, Math.ceil(centre - 0.5 - reach));
    const last = Math.min(from - 1, Math.floor(centre - 0.5 + reach));
    const weights = Array.from({ length: last - left + 1 }, (_, k) => 1 - Math.abs(left + k + 0.5 - centre) / reach);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first: left, weights: weights.map((weight) => weight / sum) };
  });
}
