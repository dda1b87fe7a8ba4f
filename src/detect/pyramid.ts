/** The picture at falling sizes, in which the first network looks for faces of one size. */
import type { Size } from '../image/crop.ts';
import { P_SIDE } from './layers.ts';

/** What a level's side is of the one before. */
const FACTOR = 0.709;

/** The picture reduced, or enlarged where faces of less than 12 pixels are looked for. */
export interface Level extends Size {
  readonly scale: number;
}

/** The levels, the largest first; none for a picture in which no face of `minFace` pixels has room. */
export function pyramid({ width, height }: Size, minFace: number): Level[] {
  const levels: Level[] = [];
  let scale = P_SIDE / minFace;
  for (let side = Math.min(width, height) * scale; side >= P_SIDE; side *= FACTOR) {
    levels.push({ scale, width: Math.trunc(width * scale + 1), height: Math.trunc(height * scale + 1) });
    scale *= FACTOR;
  }
  return levels;
}
