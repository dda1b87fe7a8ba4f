/** The paper form's tensors, among them those of the landmarks' hourglass network. */
import { type Add, grown, type HourglassSizes, layer, mlp, type TensorList, upscaling } from './tensors.ts';

/** The paper's. */
const HOURGLASS: HourglassSizes = { stacks: 4, levels: 3 };
/** Outputs of each single-token head, in the decoder's order. */
const HEADS = { attributes: 40, visibility: 29, age: 8, gender: 2, race: 5, expression: 7, recognition: 512 };

export const paperTensors = (sizes: HourglassSizes = HOURGLASS): TensorList =>
  grown((add) => {
    add('face_decoder.landmarks_tokens.weight', [68, 256]);
    add('face_decoder.pose_tokens.weight', [9, 256]);
    for (const [task, out] of Object.entries(HEADS)) {
      add(`face_decoder.${task}_token.weight`, [1, 256]);
      mlp(add, `face_decoder.${task}_prediction_head`, out);
    }
    add('face_decoder.mask_tokens.weight', [11, 256]);
    upscaling(add);
    mlp(add, 'face_decoder.pose_prediction_head', 1);
    landmarksHourglass(add, 'face_decoder.landmarks_hourglass', sizes);
  });

function landmarksHourglass(add: Add, name: string, { stacks, levels }: HourglassSizes): void {
  mlp(add, `${name}.token_mlp`, 256);
  layer(add, `${name}.merge_tokens`, [256, 68, 1, 1]);
  for (let i = 0; i < stacks; i++) {
    const at = `${name}.stacks.${i}`;
    hourglass(add, `${at}.hourglass`, levels);
    hourglassBlock(add, `${at}.block`);
    layer(add, `${at}.conv`, [256, 256, 1, 1]);
    batchNorm(add, `${at}.bn`, 256);
    layer(add, `${at}.heatmaps`, [68, 256, 1, 1]);
    if (i === stacks - 1) break;
    layer(add, `${at}.merge_features`, [256, 256, 1, 1]);
    layer(add, `${at}.merge_heatmaps`, [256, 68, 1, 1]);
  }
}

function hourglass(add: Add, name: string, levels: number): void {
  for (const part of ['up', 'low1', 'low3']) hourglassBlock(add, `${name}.${part}`);
  if (levels > 1) hourglass(add, `${name}.low2`, levels - 1);
  else hourglassBlock(add, `${name}.low2`);
}

function hourglassBlock(add: Add, name: string): void {
  batchNorm(add, `${name}.bn1`, 256);
  layer(add, `${name}.conv1`, [128, 256, 1, 1]);
  batchNorm(add, `${name}.bn2`, 128);
  layer(add, `${name}.conv2`, [128, 128, 3, 3]);
  batchNorm(add, `${name}.bn3`, 128);
  layer(add, `${name}.conv3`, [256, 128, 1, 1]);
}

function batchNorm(add: Add, name: string, channels: number): void {
  layer(add, name, [channels]);
  add(`${name}.running_mean`, [channels]);
  add(`${name}.running_var`, [channels]);
  add(`${name}.num_batches_tracked`, [], 'I64');
}
