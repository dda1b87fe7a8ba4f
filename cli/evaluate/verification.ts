/** 1:1 verification by ten folds on LFW, CFP-FP, AgeDB-30, CALFW and CPLFW, in the files of pairs that InsightFace made of them; LFW as it comes, too. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { CommandError } from '../../tools/terminal/command.ts';
import { linesOf } from '../bulk/pictures.ts';
import { decodePicture } from '../picture.ts';
import { type AnyBenchmark, type Benchmark, fileSample, percentRow, type Row, type Sample } from './benchmark.ts';
import { squaredDistance, verificationAccuracy } from './metrics.ts';
import { readPairs } from './pairs.ts';

interface Pair {
  readonly names: readonly [string, string];
  readonly same: boolean;
}

const FOLDS = 10;

/** The pairs, where an accuracy says something of them. @throws CommandError: the sets begin with some hundreds of one person, which any threshold has right */
function telling(pairs: readonly Pair[]): readonly Pair[] {
  if (pairs.length < FOLDS) throw new CommandError(`${pairs.length} pairs are too few for ${FOLDS} folds.`);
  const [first] = pairs;
  if (first && pairs.every(({ same }) => same === first.same))
    throw new CommandError(
      `The ${pairs.length} pairs are all of ${first.same ? 'one person' : 'two people'}, and no threshold has one wrong: take more of them.`,
    );
  return pairs;
}

/** Accuracy over the pairs of which both pictures have an embedding. */
function accuracyRows(pairs: readonly Pair[], scores: ReadonlyMap<string, string>, paper?: number): Row[] {
  const embeddings = new Map([...scores].map(([name, text]) => [name, float32OfBase64(text)]));
  const whole = telling(pairs.filter(({ names }) => names.every((name) => embeddings.has(name))));
  const distances = whole.map(({ names: [a, b] }) => squaredDistance(embeddings.get(a) as Float32Array, embeddings.get(b) as Float32Array));
  const { mean, deviation } = verificationAccuracy(
    distances,
    whole.map(({ same }) => same),
    FOLDS,
  );
  const left = pairs.length - whole.length;
  return [
    percentRow(`accuracy, ${whole.length} pairs${left > 0 ? `, ${left} left out` : ''}`, mean, paper),
    percentRow('standard deviation of the folds', deviation),
  ];
}

/** The benchmark's file by its name at InsightFace: pairs of aligned faces of 112 x 112 pixels. */
function pairsFile(set: string, file: string, paper: number): Benchmark<undefined, string> {
  const pairsOf = (count: number, same: readonly boolean[]): Pair[] =>
    same.slice(0, count).map((one, i) => ({ names: [String(2 * i), String(2 * i + 1)], same: one }));
  const read = (folder: string) => readPairs(join(folder, file));
  return {
    task: 'recognition',
    set,
    layout: `${file}, InsightFace's file of aligned pairs`,
    found: (folder) => existsSync(join(folder, file)),
    read(folder, limit) {
      const { pictures, same } = read(folder);
      telling(pairsOf(limit, same));
      const samples = pictures.slice(0, 2 * limit).map((bytes, i): Sample<undefined> => {
        return {
          name: String(i),
          place: 'whole',
          label: undefined,
          read: () => decodePicture(Buffer.from(bytes), `${file}, picture ${i}`),
        };
      });
      return { samples, wrong: [], notes: ['aligned pictures whole, without their mirror images'] };
    },
    score: ({ recognition }) => float32Base64(recognition?.embedding ?? new Float32Array()),
    rows: (scores, folder, limit) => accuracyRows(pairsOf(limit, read(folder).same), scores, paper),
  };
}

/** `NAME 1 2` are two pictures of one person, `NAME 1 OTHER 2` of two; a first line of one or two numbers counts them. @throws CommandError */
function lfwPairs(file: string): Pair[] {
  const picture = (name: string, number: string) => `${name}/${name}_${number.padStart(4, '0')}.jpg`;
  return linesOf(file).flatMap((line, i): Pair[] => {
    const cells = line.trim().split(/\s+/);
    const [first = '', one = '', other = '', two = ''] = cells;
    const counts = cells.map((cell) => /^\d+$/.test(cell));
    if (cells.length === 3 && counts[1] && counts[2]) return [{ names: [picture(first, one), picture(first, other)], same: true }];
    if (cells.length === 4 && counts[1] && counts[3]) return [{ names: [picture(first, one), picture(other, two)], same: false }];
    if (i === 0 && cells.length < 3 && counts.every(Boolean)) return [];
    throw new CommandError(`${file}, line ${i + 1}: ${line} is no pair.`);
  });
}

const lfw: Benchmark<undefined, string> = {
  task: 'recognition',
  set: 'LFW-pairs',
  layout: 'pairs.txt and lfw/NAME/NAME_0001.jpg (or lfw-deepfunneled, lfw_funneled)',
  found: (folder) => existsSync(join(folder, 'pairs.txt')),
  read(folder, limit) {
    const pictures = ['lfw', 'lfw-deepfunneled', 'lfw_funneled', '.'].map((name) => join(folder, name)).find(existsSync) as string;
    const names = new Set(telling(lfwPairs(join(folder, 'pairs.txt')).slice(0, limit)).flatMap((pair) => pair.names));
    const samples = [...names].map((name) => fileSample(name, join(pictures, name), undefined, 'detect'));
    return { samples, wrong: [], notes: ['each face is the largest that MTCNN finds'] };
  },
  score: ({ recognition }) => float32Base64(recognition?.embedding ?? new Float32Array()),
  rows: (scores, folder, limit) => accuracyRows(lfwPairs(join(folder, 'pairs.txt')).slice(0, limit), scores),
};

export const verificationBenchmarks: readonly AnyBenchmark[] = [
  pairsFile('LFW', 'lfw.bin', 99.68),
  pairsFile('CFP-FP', 'cfp_fp.bin', 96.75),
  pairsFile('AgeDB', 'agedb_30.bin', 96.35),
  pairsFile('CALFW', 'calfw.bin', 95.5),
  pairsFile('CPLFW', 'cplfw.bin', 91.41),
  lfw,
];

/** Float32 numbers as text. */
function float32Base64(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

const float32OfBase64 = (text: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
