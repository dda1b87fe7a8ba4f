/** Judges a network by a benchmark: its pictures through the engine, a line of each into a journal, and a table of all lines. */
import { readFileSync } from 'node:fs';
import type { Face } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { RawPicture } from '../../src/image/source.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { ahead } from '../bulk/ahead.ts';
import type { Position } from '../bulk/journal.ts';
import type { Pace } from '../bulk/pace.ts';
import { type Analyzer, type Cut, type Finding, facesIn, facesOf, mustGoOn, widenedBox } from '../bulk/passes.ts';
import { TOGETHER } from '../bulk/pictures.ts';
import { cut } from '../picture.ts';
import type { AnyBenchmark, Listing, Row, Sample } from './benchmark.ts';

/** What came of a picture. */
export interface Line {
  readonly name: string;
  readonly score?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Where lines go, in steps: a journal, or memory where nobody will go on with it. */
export interface Log {
  readonly at: Position;
  append(lines: readonly string[], at: Position): void;
}

export interface Evaluating {
  readonly engine: Analyzer;
  readonly detector: Finding['detector'];
}

type Ready = { readonly sample: Sample<unknown> } & (
  | { readonly error: FaceXFormerError }
  | { readonly cut: Cut; readonly size: Pick<RawPicture, 'width' | 'height'> }
);

/** The samples that the log does not have, eight a step. */
export async function evaluateSamples(
  benchmark: AnyBenchmark,
  { samples }: Listing<unknown>,
  log: Log,
  pace: Pace,
  how: Evaluating,
): Promise<void> {
  for await (const { ready, steps } of ahead(preparedSamples(samples, log.at.steps, how))) {
    const lines = await linesOf(benchmark, ready, how);
    log.append(
      lines.map((line) => JSON.stringify(line)),
      { steps, parts: 0 },
    );
    pace.step(lines.length, lines.filter(({ error }) => error).length);
  }
}

async function* preparedSamples(
  samples: readonly Sample<unknown>[],
  done: number,
  how: Evaluating,
): AsyncGenerator<{ ready: Ready[]; steps: number }> {
  for (let steps = done; steps * TOGETHER < samples.length; steps++) {
    const ready: Ready[] = [];
    for (const sample of samples.slice(steps * TOGETHER, (steps + 1) * TOGETHER)) ready.push(await prepared(sample, how));
    yield { ready, steps: steps + 1 };
  }
}

async function prepared(sample: Sample<unknown>, { detector }: Evaluating): Promise<Ready> {
  try {
    const picture = await sample.read();
    const { width, height } = picture;
    return { sample, cut: await cutOf(sample, picture, detector), size: { width, height } };
  } catch (error) {
    return { sample, error: mustGoOn(error) };
  }
}

async function cutOf({ place }: Sample<unknown>, picture: RawPicture, detector: Finding['detector']): Promise<Cut> {
  if (typeof place === 'object') {
    const box = widenedBox(place, picture);
    if (!box) throw new FaceXFormerError('BAD_BOX', 'The labelled face is beside the picture.');
    return { pixels: cut(picture, box), box, origin: { source: 'given' } };
  }
  const [found] = await facesIn(picture, { detector: place === 'whole' ? 'whole' : detector, maxFaces: 1 });
  if (!found) throw new FaceXFormerError('BAD_PICTURE', 'MTCNN finds no face.');
  return found;
}

async function linesOf(benchmark: AnyBenchmark, ready: readonly Ready[], { engine }: Evaluating): Promise<Line[]> {
  const faces = await facesOf(
    engine,
    ready.flatMap((one) => ('cut' in one ? [one.cut] : [])),
    { tasks: [benchmark.task] },
  );
  const lines: Line[] = [];
  for (const one of ready) {
    const { name, label } = one.sample;
    const face = 'error' in one ? one.error : (faces.shift() as Face | FaceXFormerError);
    try {
      if (face instanceof FaceXFormerError) throw face;
      lines.push({ name, score: await benchmark.score(face, label, (one as Extract<Ready, { cut: Cut }>).size) });
    } catch (error) {
      const { code, message } = mustGoOn(error);
      lines.push({ name, error: { code, message } });
    }
  }
  return lines;
}

/** What an evaluation found. */
export interface Outcome {
  readonly rows: readonly Row[];
  /** Pictures that the rows are of. */
  readonly pictures: number;
  /** Those that could not be used, and why. */
  readonly failed: readonly { readonly name: string; readonly why: string }[];
}

/** @param lines in which `evaluateSamples` wrote what came of each picture */
export function outcomeOf(benchmark: AnyBenchmark, lines: readonly Line[], folder: string, limit: number): Outcome {
  const scores = new Map(lines.flatMap(({ name, score }) => (score === undefined ? [] : [[name, score]])));
  const failed = lines.flatMap(({ name, error }) => (error ? [{ name, why: `${error.code}: ${error.message}` }] : []));
  if (scores.size === 0) {
    const [first] = failed;
    throw new FaceXFormerError('BAD_PICTURE', `Not one picture could be used${first ? `: ${first.name}: ${first.why}` : ''}.`);
  }
  return { rows: benchmark.rows(scores, folder, limit), pictures: scores.size, failed };
}

/** A line of each sample. @throws CommandError */
export function readLines(path: string, samples: readonly Sample<unknown>[]): Line[] {
  try {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const all = lines.map((line) => JSON.parse(line) as Line);
    if (all.length !== samples.length || all.some(({ name }, i) => name !== samples[i]?.name)) throw new TypeError();
    return all;
  } catch (cause) {
    throw new CommandError(`${path} does not have a line of each picture: it was changed since. Delete it, and begin anew.`, { cause });
  }
}

/** Values beside the paper's, in columns. */
export function tableLines(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const number = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(2)).padStart(9);
  return [
    `  ${' '.repeat(width)}${'here'.padStart(9)}${'paper'.padStart(9)}`,
    ...rows.map(({ name, value, unit, paper }) => `  ${name.padEnd(width)}${number(value)}${number(paper)}  ${unit}`),
  ];
}
