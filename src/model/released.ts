/** The released form: the public code's eight tasks. */
import { releasedTensors } from '../checkpoint/released.ts';
import type { ModelForm } from './form.ts';

export const released: ModelForm = {
  name: 'released',
  order: [
    ['landmarks', 'landmarks_token', 'landmarks_prediction_head'],
    ['headpose', 'pose_token', 'pose_prediction_head'],
    ['attributes', 'attribute_token', 'attribute_prediction_head'],
    ['visibility', 'visibility_token', 'visibility_prediction_head'],
    ['age', 'age_token', 'age_prediction_head'],
    ['gender', 'gender_token', 'gender_prediction_head'],
    ['race', 'race_token', 'race_prediction_head'],
    ['segmentation', 'mask_tokens', 'output_hypernetwork_mlps'],
  ],
  tensors: releasedTensors,
  addOutput: ({ graph }, { task, out }, made) => graph.output(task, made, [1, out]),
};
