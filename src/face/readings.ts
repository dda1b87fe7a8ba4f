/**
 * The tasks in one table: whatever reads, draws, prints or shows a face goes through these rows. A new head is a row here, a member of
 * `Face`, and its tokens in the forms that have it.
 */

import { EXPRESSIONS, GENDERS, RACES, type Task } from './labels.ts';
import { age, choice } from './readings/choice.ts';
import { headpose } from './readings/headpose.ts';
import { landmarks } from './readings/landmarks.ts';
import { segmentation } from './readings/parsing.ts';
import { attributes, visibility } from './readings/probabilities.ts';
import type { Reading } from './readings/reading.ts';
import { recognition } from './readings/recognition.ts';
import type { Face } from './results.ts';

export const READINGS: { readonly [Name in Task]: Reading<NonNullable<Face[Name]>> } = {
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

/** Readings by the names of their tasks, when which ones they are does not matter. */
export type Readings = Readonly<Record<string, Reading<unknown>>>;

/** The results that are in a face, each with its head, in the order of the table. */
export function resultsIn(face: object, readings: Readings = READINGS): { task: string; reading: Reading<unknown>; found: unknown }[] {
  return Object.entries(readings).flatMap(([task, reading]) => {
    const found = (face as Readonly<Record<string, unknown>>)[task];
    return found === undefined ? [] : [{ task, reading, found }];
  });
}
