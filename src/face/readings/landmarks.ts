/** The head of the landmarks: two coordinates a point. */
import { gpuError } from '../../gpu/errors.ts';
import { type Point, toPicture } from '../../image/crop.ts';
import { SIZE } from '../../image/resize.ts';
import type { Form } from '../forms.ts';
import { LANDMARK_GROUPS, LANDMARKS } from '../labels.ts';
import { drawDots, HALF, type Pen, strokeRimmed } from '../pen.ts';
import { fixed, type Reading, sized } from './reading.ts';

/** From a coordinate in [-1, 1] to pixels of the crop, which is resized to `side`. */
const CROP_PIXEL: Readonly<Record<Form, (v: number, side: number) => number>> = {
  /** p = ((v + 1) * 224 - 1) / 2 (official inference.py), so that -1 and 1 are the crop's edges. */
  released: (v, side) => ((v + 1) * side - 1) / 2,
  /**
   * -1 and 1 are the centres of the first and the last of the side / 4 heat-map pixels (align_corners). Heat-map pixel
   * q = (v + 1) / 2 * (side / 4 - 1) sees crop pixels 4q to 4q + 3, whose middle is p = 4 * (q + 0.5) - 0.5.
   */
  paper: (v, side) => 4 * (((v + 1) / 2) * (side / 4 - 1) + 0.5) - 0.5,
};

/** Ten crops beside the crop a landmark is of no face, but of broken weights. */
const FARTHEST = 20;

/** From the least of some numbers to the largest. */
const range = (values: number[]): string => `${fixed(Math.min(...values), 1)} to ${fixed(Math.max(...values), 1)}`;

export const landmarks: Reading<Point[]> = {
  title: 'Landmarks',
  read(values, { crop, form, side = SIZE }) {
    const far = sized('landmarks', values, 2 * LANDMARKS).find((value) => Math.abs(value) > FARTHEST);
    if (far !== undefined)
      throw gpuError(`A landmark lies at ${far}, where no face can be: -1 and 1 are the crop's edges. Check the weights.`);
    const pixel = (i: number): number => CROP_PIXEL[form](values[i] as number, side);
    return Array.from({ length: LANDMARKS }, (_, i) => toPicture({ x: pixel(2 * i), y: pixel(2 * i + 1) }, crop, side));
  },
  line: (points) => `${points.length} points, x ${range(points.map(({ x }) => x))}, y ${range(points.map(({ y }) => y))}`,
  card: (points) => ({
    answer: `${points.length} points`,
    small: 'iBUG 300-W',
    details: {
      summary: 'Coordinates in pixels',
      named: true,
      rows: points.map(({ x, y }, i) => [String(i), fixed(x, 1), fixed(y, 1)]),
    },
  }),
  drawn: {
    as: 'lines',
    draw(pen: Pen, points) {
      const { ctx, unit, colours } = pen;
      ctx.beginPath();
      for (const { first, last, closed } of LANDMARK_GROUPS) {
        points.slice(first, last + 1).forEach(({ x, y }, i) => {
          if (i === 0) ctx.moveTo(x + HALF, y + HALF);
          else ctx.lineTo(x + HALF, y + HALF);
        });
        if (closed) ctx.closePath();
      }
      strokeRimmed(pen, colours.landmarks, unit);
      drawDots(pen, points, { colour: colours.dots, radius: 1.4 * unit });
    },
  },
};
