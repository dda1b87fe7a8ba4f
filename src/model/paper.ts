/** The paper's form: ten tasks, landmarks by an hourglass network. Loaded for weights of this form only. */
import { paperTensors } from '../checkpoint/paper.ts';
import type { HourglassSizes, TensorList } from '../checkpoint/tensors.ts';
import { l2Normalise } from '../kernels/l2Normalise.ts';
import type { ModelForm } from './form.ts';
import { landmarksHourglass } from './hourglass.ts';

/** A map of 56 x 56 halves three times. */
const MOST_LEVELS = 3;
/** More stacks than anyone has trained: a file that lists thousands is not worth as many kernels. */
const MOST_STACKS = 16;

export const paper: ModelForm = {
  name: 'paper',
  order: [
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
  hourglassOf,
  tensors: paperTensors,
  addOutput(t, { task, count, out }, made, face, { hourglass }, w) {
    const { graph } = t;
    const { images } = graph;
    if (task === 'landmarks')
      graph.output(task, landmarksHourglass(t, made, face, hourglass as HourglassSizes, w.at('landmarks_hourglass')), [1, count, 2]);
    else if (task === 'recognition')
      graph.output(task, graph.add(task, l2Normalise, { length: out, images }, { x: made }, [images, out]), [1, out]);
    else graph.output(task, made, task === 'headpose' ? [1, 3, 3] : [1, out]);
  },
};

/** Counts the stacks, and the levels nested in the first: one of each at least, so that what is missing is named by the check. */
function hourglassOf(tensors: TensorList): HourglassSizes {
  const path = 'face_decoder.landmarks_hourglass.stacks';
  let stacks = 1;
  while (stacks < MOST_STACKS && tensors.has(`${path}.${stacks}.conv.weight`)) stacks++;
  let levels = 1;
  while (levels < MOST_LEVELS && tensors.has(`${path}.0.hourglass${'.low2'.repeat(levels)}.low3.conv1.weight`)) levels++;
  return { stacks, levels };
}
