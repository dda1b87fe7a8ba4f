/** The released form's tensors. */
import { grown, mlp, parsing, type TensorList } from './tensors.ts';

/** Outputs of each head, in the decoder's order. */
const HEADS = { landmarks: 136, pose: 3, attribute: 40, visibility: 29, age: 8, gender: 2, race: 5 };

export const releasedTensors = (): TensorList =>
  grown((add) => {
    for (const task of Object.keys(HEADS)) add(`${task}_token.weight`, [1, 256]);
    parsing(add);
    for (const [task, out] of Object.entries(HEADS)) mlp(add, `${task}_prediction_head`, out);
  });
