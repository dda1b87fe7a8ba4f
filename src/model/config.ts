/** What a checkpoint can do, as data: its tokens and heads, read from its tensors' names and shapes. A form is a configuration. */

import { checkTensors, formOf } from '../checkpoint/check.ts';
import type { TensorInfo } from '../checkpoint/checkpoint.ts';
import { type Form, type HourglassSizes, tensorsOf } from '../checkpoint/manifest.ts';
import { TASKS, type Task } from './labels.ts';

/** A task's tokens in the decoder and the head that reads them. */
export interface TaskTokens {
  readonly task: Task;
  /** Name of the embedding in face_decoder: `<embedding>.weight` is [count, 256]. */
  readonly embedding: string;
  /** Index of the first token, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Name of the head in face_decoder, and the numbers that it makes of each token. */
  readonly head: string;
  readonly out: number;
}

export interface Config {
  readonly form: Form;
  readonly tokens: number;
  readonly tasks: readonly TaskTokens[];
  /** Of the paper form's landmarks. */
  readonly hourglass?: HourglassSizes | undefined;
}

/** Decoder order of each form: task, its embedding, its head. */
const ORDER: Record<Form, readonly (readonly [Task, string, string])[]> = {
  released: [
    ['landmarks', 'landmarks_token', 'landmarks_prediction_head'],
    ['headpose', 'pose_token', 'pose_prediction_head'],
    ['attributes', 'attribute_token', 'attribute_prediction_head'],
    ['visibility', 'visibility_token', 'visibility_prediction_head'],
    ['age', 'age_token', 'age_prediction_head'],
    ['gender', 'gender_token', 'gender_prediction_head'],
    ['race', 'race_token', 'race_prediction_head'],
    ['segmentation', 'mask_tokens', 'output_hypernetwork_mlps'],
  ],
  paper: [
    ['landmarks', 'landmarks_tokens', 'landmarks_hourglass.token_mlp'],
    ['headpose', 'pose_tokens', 'pose_prediction_head'],
    ['attributes', 'attributes_token', 'attributes_prediction_head'],
    ['visibility', 'visibility_token', 'visibility_prediction_head'],
    ['age', 'age_token', 'age_prediction_head'],
    ['gender', 'gender_token', 'gender_prediction_head'],
    ['race', 'race_token', 'race_prediction_head'],
    ['expression', 'expression_token', 'expression_prediction_head'],
    ['recognition', 'recognition_token', 'recognition_prediction_head'],
    ['segmentation', 'mask_tokens', 'output_hypernetwork_mlps'],
  ],
};

/** Reads the form from a checkpoint's tensors. @throws FaceXFormerError WRONG_WEIGHTS when they are not the model's */
export function readConfig(tensors: ReadonlyMap<string, TensorInfo>): Config {
  const form = formOf(tensors);
  const hourglass = form === 'paper' ? hourglassOf(tensors) : undefined;
  checkTensors(tensors, tensorsOf(form, hourglass));
  const shape = (name: string): readonly number[] => (tensors.get(`face_decoder.${name}`) as TensorInfo).shape;
  let first = 0;
  const tasks = ORDER[form].map(([task, embedding, head]) => {
    const count = shape(`${embedding}.weight`)[0] as number;
    first += count;
    return { task, embedding, first: first - count, count, head, out: shape(`${head}.layers.2.weight`)[0] as number };
  });
  return { form, tokens: first, tasks, hourglass };
}

/** A map of 56 x 56 halves three times. */
const MOST_LEVELS = 3;

/** Counts the stacks, and the levels nested in the first: one of each at least, so that what is missing is named by the check. */
function hourglassOf(tensors: ReadonlyMap<string, TensorInfo>): HourglassSizes {
  const path = 'face_decoder.landmarks_hourglass.stacks';
  let stacks = 1;
  while (tensors.has(`${path}.${stacks}.conv.weight`)) stacks++;
  let levels = 1;
  while (levels < MOST_LEVELS && tensors.has(`${path}.0.hourglass${'.low2'.repeat(levels)}.low3.conv1.weight`)) levels++;
  return { stacks, levels };
}

/** The tasks that a configuration knows, in the order of TASKS. */
export const tasksOf = ({ tasks }: Config): Task[] => TASKS.filter((task) => tasks.some((known) => known.task === task));
