/**
 * The tasks in one table: whatever reads, draws, prints or shows a face goes through these rows. A new head is a row here, a member of
 * `Face`, with its tokens and what is made of them in the forms that have it.
 */

import { type Head, l2Normalised } from '../model/heads.ts';
import { type HourglassSizes, hourglassTap, landmarksHourglass } from '../model/hourglass.ts';
import { parsingMap } from '../model/parsing.ts';
import type { Form } from './forms.ts';
import { EXPRESSIONS, GENDERS, LANDMARKS, PARSING, RACES, type Task } from './labels.ts';
import { age, choice } from './readings/choice.ts';
import { headpose } from './readings/headpose.ts';
import { landmarks } from './readings/landmarks.ts';
import { parsing } from './readings/parsing.ts';
import { attributes, visibility } from './readings/probabilities.ts';
import type { Reading } from './readings/reading.ts';
import { recognition } from './readings/recognition.ts';
import type { Face } from './results.ts';

type Built = Pick<Head, 'build' | 'heatmaps'>;

/** What heads make of their tokens, by the names that rows have for it: who only draws faces carries rows, and nothing of the network. */
const BUILDS = {
  parsingMap: () => ({ build: parsingMap }),
  l2Normalised: () => ({ build: l2Normalised }),
  /** It differs with the depth of the weights' hourglass network. */
  landmarksHourglass: (hourglass) => ({
    build: (t, made) => landmarksHourglass(t, made, hourglass),
    heatmaps: hourglassTap(hourglass),
  }),
} satisfies Record<string, (hourglass: HourglassSizes) => Built>;

/** What the network has for a task in one form: its tokens, and what is made of them. */
export interface TaskHead extends Omit<Head, 'task' | keyof Built> {
  readonly build?: keyof typeof BUILDS;
  /** Its tokens come behind those of all others in the decoder, whatever its place in the table. */
  readonly last?: boolean;
}

/** A row: what the network has for a task in the forms that know it, and what its numbers mean. */
export interface TaskRow<Found> extends Reading<Found> {
  readonly released?: TaskHead;
  readonly paper?: TaskHead;
}

const PARSING_TOKENS: TaskHead = {
  tokens: 'mask_tokens',
  count: PARSING.length,
  path: 'output_hypernetwork_mlps',
  out: 32,
  build: 'parsingMap',
  last: true,
};

/** What there is of each task, in the order of TASKS. */
export const TASK_TABLE: { readonly [Name in Task]: TaskRow<NonNullable<Face[Name]>> } = {
  segmentation: { ...parsing(PARSING), released: PARSING_TOKENS, paper: PARSING_TOKENS },
  landmarks: {
    ...landmarks,
    released: oneToken('landmarks', 136),
    paper: {
      tokens: 'landmarks_tokens',
      count: LANDMARKS,
      path: 'landmarks_hourglass.token_mlp',
      out: 256,
      shape: [1, LANDMARKS, 2],
      build: 'landmarksHourglass',
    },
  },
  headpose: {
    ...headpose,
    released: oneToken('pose', 3),
    paper: { tokens: 'pose_tokens', count: 9, path: 'pose_prediction_head', out: 1, shape: [1, 3, 3] },
  },
  attributes: { ...attributes, released: oneToken('attribute', 40), paper: oneToken('attributes', 40) },
  visibility: { ...visibility, ...both('visibility', 29) },
  age: { ...age, ...both('age', 8) },
  gender: { ...choice('Gender', GENDERS, { captioned: true }), ...both('gender', 2) },
  race: { ...choice('Race', RACES), ...both('race', 5) },
  expression: { ...choice('Expression', EXPRESSIONS, { captioned: true }), paper: oneToken('expression', 7) },
  recognition: { ...recognition, paper: { ...oneToken('recognition', 512), build: 'l2Normalised' } },
};

/** One token of the name, and an MLP of `out` numbers. */
function oneToken(name: string, out: number): TaskHead {
  return { tokens: `${name}_token`, count: 1, path: `${name}_prediction_head`, out };
}

/** One token in either form. */
function both(name: string, out: number): { released: TaskHead; paper: TaskHead } {
  return { released: oneToken(name, out), paper: oneToken(name, out) };
}

/** Rows by the names of their tasks, where it does not matter which ones they are. */
export type TaskTable = Readonly<Record<string, TaskRow<unknown>>>;

/** The heads of a form's network, in the decoder's order of tokens. */
export function headsOf(form: Form, hourglass: HourglassSizes, rows: TaskTable = TASK_TABLE): Head[] {
  const found = Object.entries(rows).flatMap(([task, { [form]: head }]) =>
    head ? { ...head, task, build: undefined, ...(head.build && BUILDS[head.build](hourglass)) } : [],
  );
  return found.toSorted((a, b) => Number(a.last ?? false) - Number(b.last ?? false));
}

/** The results that are in a face, each with its head, in the order of the table. */
export function resultsIn(face: object, table: TaskTable = TASK_TABLE): { task: string; reading: Reading<unknown>; found: unknown }[] {
  return Object.entries(table).flatMap(([task, reading]) => {
    const found = (face as Readonly<Record<string, unknown>>)[task];
    return found === undefined ? [] : [{ task, reading, found }];
  });
}
