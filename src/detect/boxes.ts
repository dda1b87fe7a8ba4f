/**
 * What MTCNN does with boxes between its networks, in float32 as PyTorch computes it: a sum that is rounded otherwise moves a box over the edge
 * of an integer or a threshold. Source: facenet-pytorch, models/utils/detect_face.py; torchvision.ops.nms.
 */
import type { Box as Corners, Size } from '../image/crop.ts';
import { P_SIDE } from './layers.ts';

const f = Math.fround;

/** A box of the search: corners as MTCNN counts them (the right and lower ones belong to the box), float32. */
export interface Candidate extends Corners {
  readonly score: number;
  /** Four numbers that move the corners, in parts of the box's width and height. */
  readonly move: readonly [number, number, number, number];
}

/** Cells of the first network are this far apart. */
const STRIDE = 2;

/** The box that a cell of the first network stands for, in picture pixels: generateBoundingBox. */
export function boxOfCell(column: number, row: number, scale: number): Corners {
  const at = (cell: number, side: number) => Math.floor(f((STRIDE * cell + side) / f(scale)));
  return { x0: at(column, 1), y0: at(row, 1), x1: at(column, P_SIDE), y1: at(row, P_SIDE) };
}

/**
 * Non-maximum suppression by torchvision's measure: intersection over union. Gives what is kept, the highest score first; of equal ones the first.
 * @param most a box that shares more than this with one of a higher score is dropped
 */
export function suppress<Box extends Candidate>(boxes: readonly Box[], most: number): Box[] {
  const ordered = boxes.toSorted((a, b) => b.score - a.score);
  return keep(ordered, 0, (shared, area, other) => f(shared / f(f(area + other) - shared)) > most);
}

/**
 * The same by the last network's measure: intersection over the smaller of both, with areas of whole pixels. Crops that were cut to the same pixels have the
 * same score: which of them is kept is decided by the order in which NumPy sorts.
 */
export function suppressByLesser<Box extends Candidate>(boxes: readonly Box[], most: number): Box[] {
  const ordered = sortedAsNumPy(boxes.map(({ score }) => score))
    .map((i) => boxes[i] as Box)
    .toReversed();
  return keep(ordered, 1, (shared, area, other) => !(f(shared / Math.min(area, other)) <= most));
}

/** Parts whose last place is no further than this from the first are sorted by insertion. */
const SMALL_PART = 15;

/**
 * Indexes of values from the lowest to the highest, equal ones as NumPy's `argsort` leaves them: a quicksort about the median of three, which does not keep
 * their order. Its heapsort, for values that are bad for quicksort, is left out.
 */
export function sortedAsNumPy(values: readonly number[]): number[] {
  const order = values.map((_, i) => i);
  const at = (place: number): number => values[order[place] as number] as number;
  const swap = (a: number, b: number): void => {
    [order[a], order[b]] = [order[b] as number, order[a] as number];
  };
  const parts: [first: number, last: number][] = [[0, values.length - 1]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [first, last] = part;
    if (last - first <= SMALL_PART) {
      insert(order, at, first, last);
      continue;
    }
    const middle = first + ((last - first) >> 1);
    if (at(middle) < at(first)) swap(middle, first);
    if (at(last) < at(middle)) swap(last, middle);
    if (at(middle) < at(first)) swap(middle, first);
    const pivot = at(middle);
    swap(middle, last - 1);
    let [up, down] = [first, last - 1];
    for (;;) {
      do up++;
      while (at(up) < pivot);
      do down--;
      while (pivot < at(down));
      if (up >= down) break;
      swap(up, down);
    }
    swap(up, last - 1);
    parts.push([first, up - 1], [up + 1, last]);
  }
  return order;
}

function insert(order: number[], at: (place: number) => number, first: number, last: number): void {
  for (let i = first + 1; i <= last; i++)
    for (let place = i; place > first && at(place) < at(place - 1); place--)
      [order[place], order[place - 1]] = [order[place - 1] as number, order[place] as number];
}

/**
 * Boxes that no kept one before them drops. Each is compared with each, and a busy picture has thousands: so corners lie in typed arrays.
 * @param more is 1 where a side counts both its ends
 */
function keep<Box extends Candidate>(
  ordered: readonly Box[],
  more: 0 | 1,
  drops: (shared: number, area: number, other: number) => boolean,
): Box[] {
  const side = (low: number, high: number) => f(f(high - low) + more);
  const column = (of: (box: Box) => number) => new Float32Array(ordered.map(of));
  const [left, top, right, bottom] = [column(({ x0 }) => x0), column(({ y0 }) => y0), column(({ x1 }) => x1), column(({ y1 }) => y1)];
  const areas = column(({ x0, y0, x1, y1 }) => side(x0, x1) * side(y0, y1));
  const dropped = new Uint8Array(ordered.length);
  return ordered.filter(({ x0, y0, x1, y1 }, i) => {
    if (dropped[i]) return false;
    const area = areas[i] as number;
    for (let j = i + 1; j < ordered.length; j++) {
      const width = Math.max(0, side(Math.max(x0, left[j] as number), Math.min(x1, right[j] as number)));
      const height = Math.max(0, side(Math.max(y0, top[j] as number), Math.min(y1, bottom[j] as number)));
      if (drops(f(width * height), area, areas[j] as number)) dropped[j] = 1;
    }
    return true;
  });
}

/** The corners moved by the network's numbers. `more` is 1 where a side counts both its ends: bbreg; 0 after the first network. */
export function moved<Box extends Candidate>(box: Box, more: 0 | 1): Box {
  const width = f(f(box.x1 - box.x0) + more);
  const height = f(f(box.y1 - box.y0) + more);
  const [left, top, right, bottom] = box.move;
  return {
    ...box,
    x0: f(box.x0 + f(left * width)),
    y0: f(box.y0 + f(top * height)),
    x1: f(box.x1 + f(right * width)),
    y1: f(box.y1 + f(bottom * height)),
  };
}

/** The box made square by its longer side about its centre: rerec. */
export function squared<Box extends Candidate>(box: Box): Box {
  const height = f(box.y1 - box.y0);
  const width = f(box.x1 - box.x0);
  const side = Math.max(width, height);
  const x0 = f(f(box.x0 + f(width * 0.5)) - f(side * 0.5));
  const y0 = f(f(box.y0 + f(height * 0.5)) - f(side * 0.5));
  return { ...box, x0, y0, x1: f(x0 + side), y1: f(y0 + side) };
}

/** Pixels that a network looks at, in a picture that begins at 0. */
export interface Crop extends Size {
  readonly left: number;
  readonly top: number;
}

/** The part of a box that lies in the picture, cut to whole pixels, which MTCNN counts from 1; undefined where nothing of it does: pad. */
export function cropOf(box: Corners, picture: Size): Crop | undefined {
  const left = Math.max(Math.trunc(box.x0), 1) - 1;
  const top = Math.max(Math.trunc(box.y0), 1) - 1;
  const width = Math.min(Math.trunc(box.x1), picture.width) - left;
  const height = Math.min(Math.trunc(box.y1), picture.height) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
}
