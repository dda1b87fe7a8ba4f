/** What a checkpoint can do, as data: its tokens and heads, read from its tensors' names and shapes. */

import { checkTensors } from '../checkpoint/check.ts';
import type { TensorInfo } from '../checkpoint/checkpoint.ts';
import type { HourglassSizes, TensorList } from '../checkpoint/tensors.ts';
import { TASKS, type Task } from '../face/labels.ts';
import type { ModelForm } from './form.ts';

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
  readonly form: ModelForm;
  readonly tokens: number;
  readonly tasks: readonly TaskTokens[];
  /** Of the paper form's landmarks. */
  readonly hourglass?: HourglassSizes | undefined;
}

/** Reads what these weights are, of a form known by `formOf`. @throws FaceXFormerError WRONG_WEIGHTS when they are not the model's */
export function configOf(tensors: TensorList, form: ModelForm): Config {
  const hourglass = form.hourglassOf?.(tensors);
  checkTensors(tensors, form.tensors(hourglass));
  const shape = (name: string): readonly number[] => (tensors.get(`face_decoder.${name}`) as TensorInfo).shape;
  let first = 0;
  const tasks = form.order.map(([task, embedding, head]) => {
    const count = shape(`${embedding}.weight`)[0] as number;
    first += count;
    return { task, embedding, first: first - count, count, head, out: shape(`${head}.layers.2.weight`)[0] as number };
  });
  return { form, tokens: first, tasks, hourglass };
}

/** The tasks that a configuration knows, in the order of TASKS. */
export const tasksOf = ({ tasks }: Config): Task[] => TASKS.filter((task) => tasks.some((known) => known.task === task));

/** The tap of the heat maps from which the paper form reads its landmarks: the last stack's. */
export const heatmapsTap = ({ hourglass }: Config): string => `landmarks.stack${(hourglass?.stacks ?? 0) - 1}.heatmaps`;
