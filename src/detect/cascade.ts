/** MTCNN's three stages over networks that something else computes: the order of things between them, and nothing of a GPU. */
import type { Point, Size } from '../image/crop.ts';
import { boxOfCell, type Candidate, type Crop, cropOf, moved, squared, suppress, suppressByLesser } from './boxes.ts';
import { P_SIDE } from './layers.ts';

/** A cell of a level that the first network takes for a face. */
export interface Proposal extends Judgement {
  /** Which of the levels, and where in its map of cells. */
  readonly level: number;
  readonly row: number;
  readonly column: number;
}

/** What a network says of a cell or a crop. */
export interface Judgement {
  readonly probability: number;
  readonly move: Candidate['move'];
}

export interface FinalJudgement extends Judgement {
  /** Five x, then five y, in parts of the box's width and height. */
  readonly points: readonly number[];
}

/** The networks P, R and O on one picture. */
export interface Networks {
  /** Cells of at least this probability, level by level, row by row. */
  propose(levels: readonly Level[], atLeast: number): Promise<Proposal[]>;
  /** Each crop at 24 x 24. */
  refine(crops: readonly Crop[]): Promise<Judgement[]>;
  /** Each crop at 48 x 48. */
  decide(crops: readonly Crop[]): Promise<FinalJudgement[]>;
}

/** A face as MTCNN gives it: corners are not bound to the picture. */
export interface FoundFace extends Candidate {
  /** Eye on the picture's left, eye on its right, nose, corner of the mouth on the left, on the right. */
  readonly points: readonly Point[];
}

export interface CascadeOptions {
  readonly minFace: number;
  /** What P's probabilities must reach, and what R's and O's must exceed. */
  readonly thresholds: readonly [number, number, number];
}

const f = Math.fround;

/** What a level's side is of the one before. */
const FACTOR = 0.709;

/** The picture reduced, or enlarged where faces of less than 12 pixels are looked for. */
export interface Level extends Size {
  readonly scale: number;
}

/** The picture at falling sizes, in which the first network looks for faces of one size: the largest first, and none for a picture in which no face of `minFace` pixels has room. */
export function pyramid({ width, height }: Size, minFace: number): Level[] {
  const levels: Level[] = [];
  let scale = P_SIDE / minFace;
  for (let side = Math.min(width, height) * scale; side >= P_SIDE; side *= FACTOR) {
    levels.push({ scale, width: Math.trunc(width * scale + 1), height: Math.trunc(height * scale + 1) });
    scale *= FACTOR;
  }
  return levels;
}

/** The faces of a picture, the most probable first. @param mustGoOn throws where the next network is not to be asked any more */
export async function cascade(
  networks: Networks,
  picture: Size,
  { minFace, thresholds }: CascadeOptions,
  mustGoOn = () => {},
): Promise<FoundFace[]> {
  const levels = pyramid(picture, minFace);
  if (levels.length === 0) return [];
  const proposed = await networks.propose(levels, thresholds[0]);
  mustGoOn();
  const byLevel = levels.map((_, level) => proposed.filter((one) => one.level === level));
  const cells = byLevel.flatMap((all, level) => suppress(all.map(candidateOf(levels[level] as Level)), 0.5));
  const wide = suppress(cells, 0.7).map((box) => squared(moved(box, 0)));
  const refined = await judged(wide, picture, (crops) => networks.refine(crops), thresholds[1]);
  mustGoOn();
  const narrow = suppress(refined, 0.7).map((box) => squared(moved(box, 1)));
  const decided = await judged(narrow, picture, (crops) => networks.decide(crops), thresholds[2]);
  return suppressByLesser(
    decided.map((box) => moved({ ...box, points: pointsOf(box) }, 1)),
    0.7,
  );
}

const candidateOf =
  ({ scale }: Level) =>
  ({ row, column, probability, move }: Proposal): Candidate => ({ score: probability, move, ...boxOfCell(column, row, scale) });

/** The boxes of which the network is surer than the threshold, with what it says of them. A box outside the picture is none. */
async function judged<Said extends Judgement>(
  boxes: readonly Candidate[],
  picture: Size,
  judge: (crops: readonly Crop[]) => Promise<Said[]>,
  threshold: number,
): Promise<(Candidate & Said)[]> {
  const within = boxes.flatMap((box) => {
    const crop = cropOf(box, picture);
    return crop ? [{ box, crop }] : [];
  });
  if (within.length === 0) return [];
  const said = await judge(within.map(({ crop }) => crop));
  const all = within.map(({ box }, i) => ({ ...box, ...(said[i] as Said), score: (said[i] as Said).probability }));
  return all.filter(({ score }) => score > threshold);
}

/** MTCNN counts pixels from 1, and a side by both its ends. */
function pointsOf({ x0, y0, x1, y1, points }: Candidate & FinalJudgement): Point[] {
  const width = f(f(x1 - x0) + 1);
  const height = f(f(y1 - y0) + 1);
  return Array.from({ length: 5 }, (_, i) => ({
    x: f(f(f(width * (points[i] as number)) + x0) - 1),
    y: f(f(f(height * (points[i + 5] as number)) + y0) - 1),
  }));
}

/**
 * The second of two classes' probability, of their logits' difference, rounded where PyTorch's softmax rounds: of boxes that it is equally sure of, the
 * first is kept, and a difference in the last bit would keep another.
 */
export function probabilityOf(difference: number): number {
  const lesser = f(Math.exp(-Math.abs(difference)));
  return f((difference < 0 ? lesser : 1) / f(1 + lesser));
}
