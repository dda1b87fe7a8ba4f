/** Where a detector would see a face whose landmarks are known: so a crop follows its face between two looks of the detector. */
import type { Box, Point } from '../image/crop.ts';
import { apart, sizeOf } from './motion.ts';

/** How much one look says of how a face's box lies about its landmarks. */
const LOOK = 0.3;
/** Landmarks are believed that put the face so near to where the detector, or the face's motion, has it: in sizes of the face, and as a ratio of sizes. */
const NEAR = 0.35;
const ALIKE = 1.35;

function boundsOf(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
}

const agree = (a: Box, b: Box): boolean => {
  const ratio = sizeOf(a) / sizeOf(b);
  return apart(a, b) < NEAR && ratio < ALIKE && ratio > 1 / ALIKE;
};

export class Anchor {
  /** The detector's corners, in sizes of the landmarks' box from its corners. */
  #corners: readonly number[] | undefined;
  /** Whether the landmarks went where the detector saw the face the last time that both were asked. */
  trusted = false;

  /** Takes what both say of one frame. */
  set(landmarks: readonly Point[], detected: Box): void {
    const bounds = boundsOf(landmarks);
    const size = sizeOf(bounds);
    const part = size / sizeOf(detected);
    // A face's landmarks are inside of its box, and fill most of it.
    if (!(apart(bounds, detected) < 0.5 && part > 0.4 && part < 2)) {
      this.trusted = false;
      this.#corners = undefined;
      return;
    }
    const expected = this.#corners && this.#boxOf(bounds);
    this.trusted = !expected || agree(expected, detected);
    const before = this.trusted ? this.#corners : undefined;
    const now = [
      (detected.x0 - bounds.x0) / size,
      (detected.y0 - bounds.y0) / size,
      (detected.x1 - bounds.x1) / size,
      (detected.y1 - bounds.y1) / size,
    ];
    this.#corners = now.map((value, i) => (before ? (1 - LOOK) * (before[i] as number) + LOOK * value : value));
  }

  /** The face's box; undefined where the landmarks are not to be believed, or the face is not where it was expected. */
  place(landmarks: readonly Point[], expected: Box): Box | undefined {
    if (!this.trusted) return undefined;
    const place = this.#boxOf(boundsOf(landmarks));
    return agree(place, expected) ? place : undefined;
  }

  #boxOf(bounds: Box): Box {
    const size = sizeOf(bounds);
    const [left, top, right, bottom] = this.#corners as [number, number, number, number];
    return {
      x0: bounds.x0 + left * size,
      y0: bounds.y0 + top * size,
      x1: bounds.x1 + right * size,
      y1: bounds.y1 + bottom * size,
    };
  }
}
