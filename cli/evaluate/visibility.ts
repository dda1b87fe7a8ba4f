/** Visibility on COFW: the recall of occluded points at 80 % precision. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VISIBILITY_POINTS } from '../../src/face/labels.ts';
import type { Visibility } from '../../src/face/results.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { linesOf } from '../bulk/pictures.ts';
import { type Benchmark, cellsOf, fileSample, listingOf, mustHave, percentRow } from './benchmark.ts';
import { recallAtPrecision } from './metrics.ts';

type Label = readonly boolean[];
/** Of each point: whether it is occluded, and the network's probability that it is. */
type Score = readonly (readonly [boolean, number])[];

const PRECISION = 0.8;

/** The set comes as COFW_test_color.mat, which is HDF5; docs/evaluate.md has the few lines of Python that lay it out as pictures and texts. */
export const cofw: Benchmark<Label, Score> = {
  task: 'visibility',
  set: 'COFW',
  layout:
    'test/1.png ..., phis_test.txt (29 x, 29 y, 29 occlusions a line), bboxes_test.txt (x y width height a line); docs/evaluate.md makes them of the .mat file',
  found: (folder) => existsSync(join(folder, 'phis_test.txt')) || existsSync(join(folder, 'COFW_test_color.mat')),
  read(folder, limit) {
    const labels = join(folder, 'phis_test.txt');
    if (!existsSync(labels))
      throw new CommandError(
        `${folder} has COFW_test_color.mat alone, which is HDF5: docs/evaluate.md has the lines that lay it out as files.`,
      );
    const numbersOf = (file: string) => linesOf(file).map((line) => cellsOf(line).map(Number));
    const boxes = numbersOf(mustHave(folder, 'bboxes_test.txt'));
    const pictures = mustHave(folder, 'test');
    const lines = numbersOf(labels).map((numbers, i) => ({ numbers, i }));
    if (lines.length !== boxes.length)
      throw new CommandError(
        `${labels} has ${lines.length} lines, and bboxes_test.txt ${boxes.length}: nobody knows which belong together.`,
      );
    return listingOf(
      labels,
      lines,
      limit,
      ({ numbers, i }) => {
        const [x = Number.NaN, y = Number.NaN, width = 0, height = 0, ...more] = boxes[i] ?? [];
        if (numbers.length !== 3 * VISIBILITY_POINTS || !numbers.every(Number.isFinite))
          return `picture ${i + 1} has ${numbers.filter(Number.isFinite).length} numbers of ${numbers.length}; they must be ${3 * VISIBILITY_POINTS}`;
        if (!Number.isFinite(x + y + width + height) || !(width > 0 && height > 0) || more.length > 0) return `picture ${i + 1} has no box`;
        const place = { x0: x - 1, y0: y - 1, x1: x - 1 + width, y1: y - 1 + height };
        const occluded = numbers.slice(2 * VISIBILITY_POINTS);
        if (!occluded.every((number) => number === 0 || number === 1)) return `picture ${i + 1} has occlusions other than 0 and 1`;
        return fileSample(`${i + 1}.png`, join(pictures, `${i + 1}.png`), occluded.map(Boolean), place);
      },
      ['each face is cut out by its labelled box, widened by half; 1 means occluded, for the set as for the network'],
    );
  },
  score: ({ visibility }, label) => label.map((occluded, i) => [occluded, (visibility as Visibility[])[i]?.probability ?? 0]),
  rows(scores) {
    const all = [...scores.values()].flat();
    const recall = recallAtPrecision(
      all.map(([occluded]) => occluded),
      all.map(([, probability]) => probability),
      PRECISION,
    );
    return [percentRow('recall at 80 % precision', recall, 72.56)];
  },
};
