/**
 * The tasks in one table: whatever reads, draws, prints or shows a face goes through these rows. A new head is a row here, a member of
 * `Face`, and its tokens in the forms that have it.
 */
import { age, choice } from './heads/choice.ts';
import type { Head } from './heads/head.ts';
import { headpose } from './heads/headpose.ts';
import { landmarks } from './heads/landmarks.ts';
import { segmentation } from './heads/parsing.ts';
import { attributes, visibility } from './heads/probabilities.ts';
import { recognition } from './heads/recognition.ts';
import { EXPRESSIONS, GENDERS, RACES, type Task } from './labels.ts';
import type { Face } from './results.ts';

export const HEADS: { readonly [Name in Task]: Head<NonNullable<Face[Name]>> } = {
  segmentation,
  landmarks,
  headpose,
  attributes,
  visibility,
  age,
  gender: choice('Gender', GENDERS, { captioned: true }),
  race: choice('Race', RACES),
  expression: choice('Expression', EXPRESSIONS, { captioned: true }),
  recognition,
};

/** Heads by the names of their tasks, when which ones they are does not matter. */
export type Heads = Readonly<Record<string, Head<unknown>>>;

/** The results that are in a face, each with its head, in the order of the table. */
export function resultsIn(face: object, heads: Heads = HEADS): { task: string; head: Head<unknown>; found: unknown }[] {
  return Object.entries(heads).flatMap(([task, head]) => {
    const found = (face as Readonly<Record<string, unknown>>)[task];
    return found === undefined ? [] : [{ task, head, found }];
  });
}
