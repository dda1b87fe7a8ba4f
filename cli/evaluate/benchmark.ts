/** What a benchmark is: a data set as it comes, what one of its pictures tells, and the table that all of them make. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from '../../src/face/labels.ts';
import type { Face } from '../../src/face/results.ts';
import type { Box, Size } from '../../src/image/crop.ts';
import type { RawPicture } from '../../src/image/source.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { linesOf } from '../bulk/pictures.ts';
import { readPicture } from '../picture.ts';

/** A picture of a data set. */
export interface Sample<Label> {
  /** Its name in the set. */
  readonly name: string;
  read(): Promise<RawPicture>;
  /** Where the face is: the whole picture, where MTCNN's largest face is, or a box round the face, which is widened by half as the official script does. */
  readonly place: 'whole' | 'detect' | Box;
  readonly label: Label;
}

/** What was found of a data set. */
export interface Listing<Label> {
  readonly samples: readonly Sample<Label>[];
  /** Lines of its labels that make no sense, and why: they are left out. */
  readonly wrong: readonly string[];
  /** What is to be said about it. */
  readonly notes?: readonly string[];
  /** Lets go of what was opened to read samples. */
  close?(): void;
}

/** A line of a table. */
export interface Row {
  readonly name: string;
  readonly value: number;
  /** `%` of a share, or what the number is in. */
  readonly unit: '%' | '°' | 'years' | '% of the inter-ocular distance';
  /** What the paper says. */
  readonly paper?: number;
}

/** @typeParam Score what is kept of a picture, as JSON can hold it */
export interface Benchmark<Label, Score> {
  /** The task of the network that is judged. */
  readonly task: Task;
  /** The data set. */
  readonly set: string;
  /** What is in its folder, as the help says it. */
  readonly layout: string;
  /** Whether a folder is one of it. */
  found(folder: string): boolean;
  /** @param limit how many pictures at most @throws CommandError where a file of labels is missing or none of its lines makes sense */
  read(folder: string, limit: number): Listing<Label>;
  score(face: Face, label: Label, picture: Size): Score | Promise<Score>;
  /** @param scores by the samples' names; those of pictures that could not be read are not there @param folder the set's */
  rows(scores: ReadonlyMap<string, Score>, folder: string, limit: number): Row[];
}

// biome-ignore lint/suspicious/noExplicitAny: each benchmark knows its own labels and scores, and nobody else looks at them
export type AnyBenchmark = Benchmark<any, any>;

/** The first of the places in a folder where something is. */
export const firstOf = (folder: string, ...places: string[]): string | undefined =>
  places.map((place) => join(folder, place)).find(existsSync);

/** The same. @throws CommandError where it is at none of them */
export function mustHave(folder: string, ...places: string[]): string {
  const found = firstOf(folder, ...places);
  if (found === undefined) throw new CommandError(`${folder} has no ${places.join(', and no ')}.`);
  return found;
}

/** Takes lines apart; some programs put every cell of a table in quotes. */
export const cellsBetween =
  (between: RegExp) =>
  (line: string): string[] =>
    line
      .trim()
      .split(between)
      .map((cell) => cell.replace(/^"(.*)"$/, '$1'));

/** What stands in a line, between blanks or commas. */
export const cellsOf = cellsBetween(/\s*,\s*|\s+/);

/** Where CelebA's split is: beside the pictures, in its authors' folder, and as Kaggle has it. */
export const PARTITION = ['list_eval_partition.txt', 'Eval/list_eval_partition.txt', 'list_eval_partition.csv'];

/** @throws CommandError where a name is there twice: one of the two would count, and nobody knows which is right */
export function mustDiffer(where: string, names: readonly (string | number)[]): void {
  const seen = new Set<string | number>();
  for (const name of names) {
    if (seen.has(name)) throw new CommandError(`${where}: ${name} is there twice.`);
    seen.add(name);
  }
}

/** Of each of CelebA's pictures, whether it is in the test split, which is number 2. @throws CommandError where a line does not say so, or two are of one picture */
export function testSplit(partition: string): Map<string, boolean> {
  const lines = linesOf(partition).slice(partition.endsWith('.csv') ? 1 : 0);
  const splits = lines.map((line) => {
    const [name = '', split = '', ...more] = cellsOf(line);
    if (!/^[012]$/.test(split) || more.length > 0)
      throw new CommandError(`${partition}: ${line} is not a picture and the number of its split: 0, 1 or 2.`);
    return [name, split === '2'] as const;
  });
  mustDiffer(
    partition,
    splits.map(([name]) => name),
  );
  return new Map(splits);
}

/** The names in a folder, in an order that is always the same; none where there is no such folder. */
export const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort((a, b) => (a < b ? -1 : 1)) : []);

/** Where the file of a name is in a folder: copies that went through other systems have some names in capitals. */
export function finderIn(folder: string): (name: string) => string {
  const names = namesIn(folder);
  const found = new Map([...names.map((name) => [name.toLowerCase(), name] as const), ...names.map((name) => [name, name] as const)]);
  return (name) => join(folder, found.get(name) ?? found.get(name.toLowerCase()) ?? name);
}

export const isPicture = (name: string): boolean => /\.(jpe?g|png)$/i.test(name);

/** A sample of a file. */
export const fileSample = <Label>(name: string, path: string, label: Label, place: Sample<Label>['place'] = 'whole'): Sample<Label> => ({
  name,
  read: () => readPicture(path),
  place,
  label,
});

/**
 * Samples of lines, `limit` of them at most; a line that `of` cannot read is among the wrong ones, with what `of` says, which names it, as is a second one
 * of the same sample.
 * @throws CommandError where not one of the lines makes sense
 */
export function listingOf<Line, Label>(
  where: string,
  lines: readonly Line[],
  limit: number,
  of: (line: Line) => Sample<Label> | string | undefined,
  notes: readonly string[] = [],
): Listing<Label> {
  const samples = new Map<string, Sample<Label>>();
  const wrong: string[] = [];
  for (const line of lines) {
    if (samples.size >= limit) break;
    const sample = of(line);
    if (typeof sample === 'string') wrong.push(`${where}: ${sample}`);
    else if (sample && samples.has(sample.name)) wrong.push(`${where}: ${sample.name} is there twice`);
    else if (sample) samples.set(sample.name, sample);
  }
  if (samples.size === 0) throw new CommandError(`${where} has no label that can be used${wrong.length > 0 ? `: ${wrong[0]}` : ''}.`);
  return { samples: [...samples.values()], wrong, notes };
}

/** A share as a line of a table. */
export const percentRow = (name: string, share: number, paper?: number): Row => ({
  name,
  value: 100 * share,
  unit: '%',
  ...(paper !== undefined && { paper }),
});

/** The share of scores that are true. */
export const shareOf = (scores: readonly boolean[]): number => scores.filter(Boolean).length / scores.length;
