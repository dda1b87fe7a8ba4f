/**
 * Every tensor of FaceXFormer by name and shape, in the order of PyTorch's state dict, grown from the architecture's few sizes.
 * The same lists stand written out in weights/released.json and weights/paper.json, from the official code's own state dict;
 * a test holds the two together. The engine itself loads the paper form's list only for weights of that form.
 */
import { paperTensors } from './paper.ts';
import { releasedTensors } from './released.ts';
import type { Form, HourglassSizes, TensorList } from './tensors.ts';

export { FORMS, type Form, type HourglassSizes, isBuffer } from './tensors.ts';

const lists = new Map<string, TensorList>();

/**
 * The tensors of one form: F32, but for the int64 buffers that the architecture defines (`isBuffer`). The paper form's hourglass is of
 * the paper's sizes unless others are given.
 */
export function tensorsOf(form: Form, hourglass?: HourglassSizes): TensorList {
  const key = form === 'released' ? form : `${form} ${hourglass?.stacks} ${hourglass?.levels}`;
  const list = lists.get(key) ?? (form === 'released' ? releasedTensors() : paperTensors(hourglass));
  lists.set(key, list);
  return list;
}
