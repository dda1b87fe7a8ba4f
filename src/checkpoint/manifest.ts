/**
 * Every tensor of FaceXFormer by name and shape, in the order of PyTorch's state dict, grown from the architecture's few sizes.
 * The same lists stand written out in weights/released.json and weights/paper.json, from the official code's own state dict;
 * a test holds the two together.
 */
import type { Dtype, TensorInfo } from './checkpoint.ts';
import { bytesOf } from './dtypes.ts';

/** `released`: the public code and checkpoint, eight tasks. `paper`: the ten tasks of the paper. */
export type Form = 'released' | 'paper';

export const FORMS: readonly Form[] = ['released', 'paper'];

/** How deep the paper form's hourglass network is. */
export interface HourglassSizes {
  readonly stacks: number;
  /** Halvings of the map in each stack. */
  readonly levels: number;
}

const HOURGLASS: HourglassSizes = { stacks: 4, levels: 3 };

type Add = (name: string, shape: readonly number[], dtype?: Dtype) => void;

/** Blocks of each stage of Swin-B; stage s has 128 * 2^s channels and 4 * 2^s heads. */
const DEPTHS = [2, 2, 18, 2];
/** Outputs of each released head, in the decoder's order. */
const RELEASED_HEADS = { landmarks: 136, pose: 3, attribute: 40, visibility: 29, age: 8, gender: 2, race: 5 };
/** Outputs of each single-token head of the paper form, in the decoder's order. */
const PAPER_HEADS = { attributes: 40, visibility: 29, age: 8, gender: 2, race: 5, expression: 7, recognition: 512 };

const lists = new Map<string, ReadonlyMap<string, TensorInfo>>();

/**
 * The tensors of one form: F32, but for the int64 buffers that the architecture defines (`isBuffer`). The paper form's hourglass is of
 * the paper's sizes unless others are given.
 */
export function tensorsOf(form: Form, hourglass: HourglassSizes = HOURGLASS): ReadonlyMap<string, TensorInfo> {
  const key = form === 'released' ? form : `${form} ${hourglass.stacks} ${hourglass.levels}`;
  const list = lists.get(key) ?? grow(form, hourglass);
  lists.set(key, list);
  return list;
}

/** Whether a tensor of ours is an int64 buffer, which the engine recomputes instead of reading. */
export function isBuffer(name: string): boolean {
  return name.endsWith('.relative_position_index') || name.endsWith('.num_batches_tracked');
}

function grow(form: Form, hourglassSizes: HourglassSizes): Map<string, TensorInfo> {
  const list = new Map<string, TensorInfo>();
  const add: Add = (name, shape, dtype = 'F32') => list.set(name, { name, dtype, shape, bytes: bytesOf(dtype, shape) as number });
  backbone(add);
  add('pe_layer.positional_encoding_gaussian_matrix', [2, 128]);
  transformer(add, 'face_decoder.transformer');
  if (form === 'released') releasedHeads(add);
  else paperHeads(add, hourglassSizes);
  for (const [i, channels] of [128, 256, 512, 1024].entries()) layer(add, `linear_c.${i}.proj`, [256, channels]);
  add('linear_fuse.weight', [256, 1024, 1, 1]);
  return list;
}

/** `weight` of the given shape and a `bias` for its first dimension. */
function layer(add: Add, name: string, shape: readonly number[], bias = shape[0] as number): void {
  add(`${name}.weight`, shape);
  add(`${name}.bias`, [bias]);
}

function backbone(add: Add): void {
  layer(add, 'backbone.0.0.0', [128, 3, 4, 4]);
  layer(add, 'backbone.0.0.2', [128]);
  for (const [stage, depth] of DEPTHS.entries()) {
    const channels = 128 << stage;
    for (let block = 0; block < depth; block++) swinBlock(add, `backbone.0.${2 * stage + 1}.${block}`, channels);
    if (stage === 3) break;
    add(`backbone.0.${2 * stage + 2}.reduction.weight`, [2 * channels, 4 * channels]);
    layer(add, `backbone.0.${2 * stage + 2}.norm`, [4 * channels]);
  }
  layer(add, 'backbone.1', [1024]);
}

function swinBlock(add: Add, name: string, channels: number): void {
  layer(add, `${name}.norm1`, [channels]);
  add(`${name}.attn.relative_position_bias_table`, [169, channels / 32]);
  add(`${name}.attn.relative_position_index`, [2401], 'I64');
  layer(add, `${name}.attn.qkv`, [3 * channels, channels]);
  layer(add, `${name}.attn.proj`, [channels, channels]);
  layer(add, `${name}.norm2`, [channels]);
  layer(add, `${name}.mlp.0`, [4 * channels, channels]);
  layer(add, `${name}.mlp.3`, [channels, 4 * channels]);
}

function transformer(add: Add, name: string): void {
  for (const i of [0, 1]) {
    const at = `${name}.layers.${i}`;
    attention(add, `${at}.self_attn`, 256);
    layer(add, `${at}.norm1`, [256]);
    attention(add, `${at}.cross_attn_token_to_image`, 128);
    layer(add, `${at}.norm2`, [256]);
    layer(add, `${at}.mlp.lin1`, [2048, 256]);
    layer(add, `${at}.mlp.lin2`, [256, 2048]);
    layer(add, `${at}.norm3`, [256]);
    layer(add, `${at}.norm4`, [256]);
    attention(add, `${at}.cross_attn_image_to_token`, 128);
  }
  attention(add, `${name}.final_attn_token_to_image`, 128);
  layer(add, `${name}.norm_final_attn`, [256]);
}

function attention(add: Add, name: string, inner: number): void {
  for (const part of ['q_proj', 'k_proj', 'v_proj']) layer(add, `${name}.${part}`, [inner, 256]);
  layer(add, `${name}.out_proj`, [256, inner]);
}

function mlp(add: Add, name: string, out: number): void {
  for (const [i, rows] of [256, 256, out].entries()) layer(add, `${name}.layers.${i}`, [rows, 256]);
}

function upscaling(add: Add): void {
  layer(add, 'face_decoder.output_upscaling.0', [256, 64, 2, 2], 64);
  layer(add, 'face_decoder.output_upscaling.1', [64]);
  layer(add, 'face_decoder.output_upscaling.3', [64, 32, 2, 2], 32);
  mlp(add, 'face_decoder.output_hypernetwork_mlps', 32);
}

function releasedHeads(add: Add): void {
  for (const task of Object.keys(RELEASED_HEADS)) add(`face_decoder.${task}_token.weight`, [1, 256]);
  add('face_decoder.mask_tokens.weight', [11, 256]);
  upscaling(add);
  for (const [task, out] of Object.entries(RELEASED_HEADS)) mlp(add, `face_decoder.${task}_prediction_head`, out);
}

function paperHeads(add: Add, sizes: HourglassSizes): void {
  add('face_decoder.landmarks_tokens.weight', [68, 256]);
  add('face_decoder.pose_tokens.weight', [9, 256]);
  for (const [task, out] of Object.entries(PAPER_HEADS)) {
    add(`face_decoder.${task}_token.weight`, [1, 256]);
    mlp(add, `face_decoder.${task}_prediction_head`, out);
  }
  add('face_decoder.mask_tokens.weight', [11, 256]);
  upscaling(add);
  mlp(add, 'face_decoder.pose_prediction_head', 1);
  landmarksHourglass(add, 'face_decoder.landmarks_hourglass', sizes);
}

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
