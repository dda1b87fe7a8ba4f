/**
 * The measures of the paper's tables. Each is what scikit-learn, or the script that a data set's benchmark is known by, computes; test/cli/evaluate/metrics.py has them
 * side by side. Shares are between 0 and 1.
 */
import type { Point } from '../../src/image/crop.ts';

/** How often class i was taken for class j, at [i * classes + j]. */
export function confusion(truth: ArrayLike<number>, given: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes * classes).fill(0);
  for (let i = 0; i < truth.length; i++) {
    const at = (truth[i] as number) * classes + (given[i] as number);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** The F1 of each class, 2 tp / (2 tp + fp + fn), of counts as `confusion` gives them; 0 where the class is neither there nor given. */
export function f1Scores(counts: readonly number[], classes: number): number[] {
  const at = (i: number, j: number) => counts[i * classes + j] as number;
  const all = Array.from({ length: classes }, (_, i) => i);
  return all.map((i) => {
    const there = all.reduce((sum, j) => sum + at(i, j), 0);
    const given = all.reduce((sum, j) => sum + at(j, i), 0);
    return there + given === 0 ? 0 : (2 * at(i, i)) / (there + given);
  });
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of the iBUG 68 points, the outer corners of the eyes. */
const OUTER_CORNERS = [36, 45] as const;

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Between the outer corners of the eyes. */
export function interOcularDistance(points: readonly Point[]): number {
  const [left, right] = OUTER_CORNERS.map((i) => points[i] as Point) as [Point, Point];
  return distance(left, right);
}

/** The mean distance of the 68 points from where they are, in parts of the distance between the outer corners of the eyes. */
export function interOcularError(truth: readonly Point[], given: readonly Point[]): number {
  return mean(truth.map((point, i) => distance(point, given[i] as Point))) / interOcularDistance(truth);
}

/** The area under the curve of the share of pictures whose error is at most x, for x from 0 to `most`, in parts of `most`; and the share whose error is larger. */
export function errorCurve(errors: readonly number[], most: number): { area: number; failures: number } {
  const area = mean(errors.map((error) => Math.max(0, most - error) / most));
  return { area, failures: errors.filter((error) => error > most).length / errors.length };
}

/** Between two angles in degrees, the shorter way round. */
export function angleBetween(a: number, b: number): number {
  const apart = Math.abs(a - b) % 360;
  return Math.min(apart, 360 - apart);
}

/**
 * The largest recall at which a threshold of the scores has that precision; 0 where none has.
 * @param truth whether each is one of those that are looked for
 */
export function recallAtPrecision(truth: readonly boolean[], scores: readonly number[], precision: number): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const positives = truth.filter(Boolean).length;
  let [hits, best] = [0, 0];
  for (const [n, i] of order.entries()) {
    if (truth[i]) hits++;
    const next = order[n + 1];
    if (next !== undefined && scores[next] === scores[i]) continue; // one threshold takes all that are equal
    if (hits / (n + 1) >= precision) best = Math.max(best, hits / positives);
  }
  return best;
}

/**
 * Accuracy of 1:1 verification by folds: of each fold with the threshold that is best on all others. The thresholds are those of FaceNet's script, which the benchmarks of
 * LFW and its kin are known by: of squared distances 0 to 4 in steps of 0.01.
 * @param distances squared, between the embeddings of each pair
 * @param folds which pairs are in which, as ranges one after the other whose lengths differ by one at most
 */
export function verificationAccuracy(
  distances: readonly number[],
  same: readonly boolean[],
  folds = 10,
): { mean: number; deviation: number } {
  const thresholds = Array.from({ length: 400 }, (_, i) => i * 0.01);
  const accuracies = foldsOf(distances.length, folds).map(([from, to]) => {
    const inside = (i: number) => i >= from && i < to;
    const rightAt = (threshold: number, of: (i: number) => boolean) => {
      let [right, all] = [0, 0];
      for (const [i, far] of distances.entries()) {
        if (!of(i)) continue;
        all++;
        if (far < threshold === same[i]) right++;
      }
      return right / all;
    };
    let [best, most] = [0, -1];
    for (const threshold of thresholds) {
      const accuracy = rightAt(threshold, (i) => !inside(i));
      if (accuracy > most) [best, most] = [threshold, accuracy];
    }
    return rightAt(best, inside);
  });
  const middle = mean(accuracies);
  return { mean: middle, deviation: Math.sqrt(mean(accuracies.map((accuracy) => (accuracy - middle) ** 2))) };
}

/** As scikit-learn's KFold: the first ones are longer by one where it does not come out even. */
function foldsOf(count: number, folds: number): [number, number][] {
  let from = 0;
  return Array.from({ length: folds }, (_, i) => {
    const to = from + Math.floor(count / folds) + (i < count % folds ? 1 : 0);
    const fold: [number, number] = [from, to];
    from = to;
    return fold;
  });
}

/** Of embeddings of length 1. */
export const squaredDistance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return sum;
};
