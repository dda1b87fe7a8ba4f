/** Faces between two results: they go on as they were going, and what a new result corrects is spread over the time to the next. */
import type { Box, Point } from '../image/crop.ts';
import { shifted, shiftedBox, type TrackedFace } from './tracked-face.ts';

/** Nobody is led on for longer than this, in milliseconds. */
const HORIZON = 400;
/** The longest time over which a correction is spread, in milliseconds. */
const LONGEST = 250;

/** How far what was drawn lies from what a result says: of the box, and of each landmark. */
interface Gap {
  readonly box: Box;
  readonly landmarks: readonly Point[] | undefined;
}

export class Glide {
  #faces: readonly TrackedFace[] = [];
  #gaps = new Map<number, Gap>();
  #taken = 0;
  #arrived = 0;
  #interval = 0;

  /** Takes a result's faces: of a frame that was taken then, and known now. */
  take(faces: readonly TrackedFace[], { taken, now }: { readonly taken: number; readonly now: number }): void {
    const drawn = new Map(this.at(now).map((face) => [face.id, face]));
    this.#interval = Math.min(LONGEST, now - this.#arrived);
    this.#faces = faces;
    this.#taken = taken;
    this.#arrived = now;
    this.#gaps = new Map(
      faces.flatMap((face): [number, Gap][] => {
        const before = drawn.get(face.id);
        return before ? [[face.id, gapOf(before, this.#ahead(face, now))]] : [];
      }),
    );
  }

  /** The faces at a time. */
  at(now: number): TrackedFace[] {
    const left = this.#interval > 0 ? Math.min(1, Math.max(0, 1 - (now - this.#arrived) / this.#interval)) : 0;
    return this.#faces.map((face) => {
      const there = this.#ahead(face, now);
      const gap = this.#gaps.get(face.id);
      return gap ? bridged(there, gap, left) : there;
    });
  }

  clear(): void {
    this.#faces = [];
  }

  /** Where its motion takes a face by then. */
  #ahead(face: TrackedFace, now: number): TrackedFace {
    const seconds = Math.min(HORIZON, Math.max(0, now - this.#taken)) / 1000;
    const [dx, dy] = [face.velocity.x * seconds, face.velocity.y * seconds];
    return { ...shifted(face, dx, dy), place: shiftedBox(face.place, dx, dy) };
  }
}

const minus = (a: Box, b: Box): Box => ({ x0: a.x0 - b.x0, y0: a.y0 - b.y0, x1: a.x1 - b.x1, y1: a.y1 - b.y1 });

function gapOf(drawn: TrackedFace, said: TrackedFace): Gap {
  const landmarks = said.landmarks?.map((point, i) => {
    const { x, y } = drawn.landmarks?.[i] ?? point;
    return { x: x - point.x, y: y - point.y };
  });
  return { box: minus(drawn.place, said.place), landmarks };
}

/** A face with a part of what is missing to where it was drawn. The crop's box moves as a whole, for its mask is stretched to it. */
function bridged(face: TrackedFace, { box, landmarks }: Gap, part: number): TrackedFace {
  const moved = shifted(face, ((box.x0 + box.x1) / 2) * part, ((box.y0 + box.y1) / 2) * part);
  const { x0, y0, x1, y1 } = face.place;
  return {
    ...moved,
    place: { x0: x0 + box.x0 * part, y0: y0 + box.y0 * part, x1: x1 + box.x1 * part, y1: y1 + box.y1 * part },
    ...(face.landmarks &&
      landmarks && {
        landmarks: face.landmarks.map(({ x, y }, i) => {
          const gap = landmarks[i] as Point;
          return { x: x + gap.x * part, y: y + gap.y * part };
        }),
      }),
  };
}
