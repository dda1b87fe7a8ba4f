/** A face of a video, and where else it could be. */
import type { Face } from '../face/results.ts';
import type { Box, Point } from '../image/crop.ts';

/** A face of a video. Labels that were not asked for of this frame are those of its track; `detected` and `points` are there where the detector looked. */
export interface TrackedFace extends Face {
  /** The same for as long as the face is followed, and after it came back where that can be told. Counts from 1. */
  readonly id: number;
  /** The face itself, not widened, as the detector would draw it. */
  readonly place: Box;
  /** Of its centre, in picture pixels a second. */
  readonly velocity: Point;
  /** Milliseconds of the video for which it has been followed. */
  readonly followed: number;
  /** Whether it was looked at in this frame; else it is where it was going. */
  readonly fresh: boolean;
}

export const shiftedBox = ({ x0, y0, x1, y1 }: Box, dx: number, dy: number): Box => ({
  x0: x0 + dx,
  y0: y0 + dy,
  x1: x1 + dx,
  y1: y1 + dy,
});

/** A face somewhere else in its picture. */
export function shifted<Kind extends Face>(face: Kind, dx: number, dy: number): Kind {
  const points = (all: readonly Point[]): Point[] => all.map(({ x, y }) => ({ x: x + dx, y: y + dy }));
  return {
    ...face,
    box: shiftedBox(face.box, dx, dy),
    ...(face.detected && { detected: shiftedBox(face.detected, dx, dy) }),
    ...(face.points && { points: points(face.points) }),
    ...(face.landmarks && { landmarks: points(face.landmarks) }),
  };
}
