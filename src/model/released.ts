/** The released form: the public code's eight tasks. */
import { releasedTensors } from '../checkpoint/released.ts';
import { matrixOf } from '../face/pose.ts';
import { SIZE } from '../image/resize.ts';
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
  /** p = ((v + 1) * 224 - 1) / 2 (official inference.py), so -1 and 1 are the crop's edges. */
  cropPixel: (v) => ((v + 1) * SIZE - 1) / 2,
  poseNumbers: 3,
  pose(values) {
    const [pitch, yaw, roll] = values as unknown as [number, number, number];
    const radians = { pitch, yaw, roll };
    return { radians, matrix: matrixOf(radians) };
  },
};
