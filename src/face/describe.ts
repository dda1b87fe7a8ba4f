/** A face in words, for pages, terminals and screen readers. */
import { given } from '../gpu/given.ts';
import type { DrawnFace } from './draw.ts';
import type { Plain } from './json.ts';
import type { Task } from './labels.ts';
import type { Card } from './readings/reading.ts';
import { isSound } from './sound.ts';
import { resultsIn, type TaskTable } from './tasks.ts';

/** What a task found, in words. */
export interface Description {
  readonly task: Task;
  /** The task as people call it, such as `Head pose`. */
  readonly title: string;
  /** The result as one line of text, such as `pitch 3.1°, yaw -12.0°, roll 0.4°`. */
  readonly line: string;
  /** The result as a page may lay it out. */
  readonly card: Card;
}

/** A face's results in words, in the order of the table. */
export const described = (face: object, table?: TaskTable): Description[] =>
  resultsIn(face, table).map(({ task, reading, found }) => ({
    task: task as Task,
    title: reading.title,
    line: reading.line(found),
    card: reading.card(found),
  }));

/**
 * What was found in a face, in words: a description of each task that it has a result of, in the order of `TASKS`. It knows nothing of the weights:
 * of untrained ones the words are noise, and the page has to say so.
 * @param face as `analyze` gives it, or as `faceToJson` wrote it
 * @throws FaceXFormerError BAD_OPTION: it is no such face
 */
export const describeFace = (face: DrawnFace | Plain<DrawnFace>): Description[] =>
  given('describeFace() takes a face as analyze() gives it, or as faceToJson() wrote it.', () => {
    if (!resultsIn(face).every(({ found }) => isSound(found))) throw new TypeError('there is a number that is none');
    return described(face);
  });
