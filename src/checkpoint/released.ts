/** The released form's tensors. */
import { grown, mlp, type TensorList, upscaling } from './tensors.ts';

/** Outputs of each head, in the decoder's order. */
const HEADS = { landmarks: 136, pose: 3, attribute: 40, visibility: 29, age: 8, gender: 2, race: 5 };

export const releasedTensors = (): TensorList =>
  grown((add) => {
    for (const task of Object.keys(HEADS)) add(`face_decoder.${task}_token.weight`, [1, 256]);
    add('face_decoder.mask_tokens.weight', [11, 256]);
    upscaling(add);
    for (const [task, out] of Object.entries(HEADS)) mlp(add, `face_decoder.${task}_prediction_head`, out);
  });
