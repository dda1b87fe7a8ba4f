/** Every measure against scikit-learn's, or the procedure that the benchmark is known by, on the same generated numbers: metrics.py wrote them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  angleBetween,
  confusion,
  errorCurve,
  f1Scores,
  interOcularError,
  mean,
  recallAtPrecision,
  squaredDistance,
  verificationAccuracy,
} from '../../../cli/evaluate/metrics.ts';

const expected = JSON.parse(readFileSync(new URL('./fixtures/metrics.json', import.meta.url), 'utf8'));

/** All of them within 1e-9. */
function same(given: number | readonly number[], wanted: number | readonly number[]): void {
  const [a, b] = [[given].flat(), [wanted].flat()];
  expect(a.length).toBe(b.length);
  for (const [i, value] of a.entries()) expect(Math.abs(value - (b[i] as number))).toBeLessThanOrEqual(1e-9);
}

const points = (shape: number[][]) => shape.map(([x, y]) => ({ x: x as number, y: y as number }));

it('F1 a class, their mean, and the confusion that they are of', () => {
  const { truth, given, classes, scores, macro, accuracy, confusion: counts } = expected.f1;
  expect(confusion(truth, given, classes)).toEqual(counts);
  same(f1Scores(counts, classes), scores);
  same(mean(f1Scores(counts, classes)), macro);
  same(truth.filter((one: number, i: number) => one === given[i]).length / truth.length, accuracy);
  same(f1Scores(confusion([0, 0], [0, 0], 2), 2), [1, 0]);
});

it('error of landmarks, and the curve of errors', () => {
  const { truth, given, errors, mean: average, most, area, failures } = expected.nme;
  const found = truth.map((shape: number[][], i: number) => interOcularError(points(shape), points(given[i])));
  same(found, errors);
  same(mean(found), average);
  const curve = errorCurve(found, most);
  same([curve.area, curve.failures], [area, failures]);
});

it('mean absolute errors of angles', () => {
  const { truth, given, each, mean: average } = expected.mae;
  const errors = [0, 1, 2].map((axis) =>
    mean(truth.map((angles: number[], i: number) => Math.abs((angles[axis] as number) - given[i][axis]))),
  );
  same(errors, each);
  same(mean(errors), average);
  same([angleBetween(170, -170), angleBetween(-90, 90), angleBetween(10, 370)], [20, 180, 0]);
});

it('recall at a precision', () => {
  const { truth, scores, recall, recall95 } = expected.recall;
  same(recallAtPrecision(truth, scores, 0.8), recall);
  same(recallAtPrecision(truth, scores, 0.95), recall95);
  expect(recallAtPrecision([false, true], [0.9, 0.1], 0.8)).toBe(0);
  expect(recallAtPrecision([false, false], [0.9, 0.1], 0.8)).toBe(0);
});

it('verification by ten folds', () => {
  const { first, second, same: together, mean: average, deviation } = expected.verification;
  const found = verificationAccuracy(
    first.map((embedding: number[], i: number) => squaredDistance(embedding, second[i])),
    together,
  );
  same([found.mean, found.deviation], [average, deviation]);
});
