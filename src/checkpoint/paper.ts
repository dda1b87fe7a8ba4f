/** The paper form's tensors, among them those of the landmarks' hourglass network. */
import { type Add, grown, type HourglassSizes, layer, mlp, parsing, type TensorList, within } from './tensors.ts';

/** The paper's. */
const HOURGLASS: HourglassSizes = { stacks: 4, levels: 3 };
/** Outputs of each single-token head, in the decoder's order. */
const HEADS = { attributes: 40, visibility: 29, age: 8, gender: 2, race: 5, expression: 7, recognition: 512 };

export const paperTensors = (sizes: HourglassSizes = HOURGLASS): TensorList =>
  grown((add) => {
    add('landmarks_tokens.weight', [68, 256]);
    add('pose_tokens.weight', [9, 256]);
    for (const [task, out] of Object.entries(HEADS)) {
      add(`${task}_token.weight`, [1, 256]);
      mlp(add, `${task}_prediction_head`, out);
    }
    parsing(add);
    mlp(add, 'pose_prediction_head', 1);
    landmarksHourglass(within(add, 'landmarks_hourglass'), sizes);
  });

function landmarksHourglass(add: Add, { stacks, levels }: HourglassSizes): void {
  mlp(add, 'token_mlp', 256);
  layer(add, 'merge_tokens', [256, 68, 1, 1]);
  for (let i = 0; i < stacks; i++) {
    const at = within(add, `stacks.${i}`);
    hourglass(within(at, 'hourglass'), levels);
    hourglassBlock(within(at, 'block'));
    layer(at, 'conv', [256, 256, 1, 1]);
    batchNorm(at, 'bn', 256);
    layer(at, 'heatmaps', [68, 256, 1, 1]);
    if (i === stacks - 1) break;
    layer(at, 'merge_features', [256, 256, 1, 1]);
    layer(at, 'merge_heatmaps', [256, 68, 1, 1]);
  }
}

function hourglass(add: Add, levels: number): void {
  for (const part of ['up', 'low1', 'low3']) hourglassBlock(within(add, part));
  const low2 = within(add, 'low2');
  if (levels > 1) hourglass(low2, levels - 1);
  else hourglassBlock(low2);
}

function hourglassBlock(add: Add): void {
  batchNorm(add, 'bn1', 256);
  layer(add, 'conv1', [128, 256, 1, 1]);
  batchNorm(add, 'bn2', 128);
  layer(add, 'conv2', [128, 128, 3, 3]);
  batchNorm(add, 'bn3', 128);
  layer(add, 'conv3', [256, 128, 1, 1]);
}

function batchNorm(add: Add, name: string, channels: number): void {
  layer(add, name, [channels]);
  add(`${name}.running_mean`, [channels]);
  add(`${name}.running_var`, [channels]);
  add(`${name}.num_batches_tracked`, [], 'I64');
}
