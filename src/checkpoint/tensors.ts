/** The tensors that FaceXFormer has in either form, and what lists of them are grown with. */
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

export type TensorList = ReadonlyMap<string, TensorInfo>;

export type Add = (name: string, shape: readonly number[], dtype?: Dtype) => void;

/** Blocks of each stage of Swin-B; stage s has 128 * 2^s channels and 4 * 2^s heads of 32 dimensions. */
export const DEPTHS = [2, 2, 18, 2];

/** A form's tensors in the order of PyTorch's state dict; `heads` adds those of its tokens and heads. */
export function grown(heads: (add: Add) => void): TensorList {
  const list = new Map<string, TensorInfo>();
  const add: Add = (name, shape, dtype = 'F32') => list.set(name, { name, dtype, shape, bytes: bytesOf(dtype, shape) });
  backbone(add);
  add('pe_layer.positional_encoding_gaussian_matrix', [2, 128]);
  const decoder = within(add, 'face_decoder');
  transformer(within(decoder, 'transformer'));
  heads(decoder);
  for (const [i, channels] of [128, 256, 512, 1024].entries()) layer(add, `linear_c.${i}.proj`, [256, channels]);
  add('linear_fuse.weight', [256, 1024, 1, 1]);
  return list;
}

/** Whether a tensor of ours is an int64 buffer, which the engine recomputes instead of reading. */
export function isBuffer(name: string): boolean {
  return /\.(relative_position_index|num_batches_tracked)$/.test(name);
}

/** Adds under the module's path. */
export const within =
  (add: Add, path: string): Add =>
  (name, ...rest) =>
    add(`${path}.${name}`, ...rest);

/** `weight` of the given shape and a `bias` for its first dimension. */
export function layer(add: Add, name: string, shape: readonly number[], bias = shape[0] as number): void {
  add(`${name}.weight`, shape);
  add(`${name}.bias`, [bias]);
}

function backbone(add: Add): void {
  const swin = within(add, 'backbone.0');
  layer(swin, '0.0', [128, 3, 4, 4]);
  layer(swin, '0.2', [128]);
  for (const [stage, depth] of DEPTHS.entries()) {
    const channels = 128 << stage;
    for (let block = 0; block < depth; block++) swinBlock(within(swin, `${2 * stage + 1}.${block}`), channels);
    if (stage === 3) break;
    const merge = within(swin, `${2 * stage + 2}`);
    merge('reduction.weight', [2 * channels, 4 * channels]);
    layer(merge, 'norm', [4 * channels]);
  }
  layer(add, 'backbone.1', [1024]);
}

function swinBlock(add: Add, channels: number): void {
  layer(add, 'norm1', [channels]);
  add('attn.relative_position_bias_table', [169, channels / 32]);
  add('attn.relative_position_index', [2401], 'I64');
  layer(add, 'attn.qkv', [3 * channels, channels]);
  layer(add, 'attn.proj', [channels, channels]);
  layer(add, 'norm2', [channels]);
  layer(add, 'mlp.0', [4 * channels, channels]);
  layer(add, 'mlp.3', [channels, 4 * channels]);
}

function transformer(add: Add): void {
  for (const i of [0, 1]) {
    const at = within(add, `layers.${i}`);
    attention(at, 'self_attn', 256);
    layer(at, 'norm1', [256]);
    attention(at, 'cross_attn_token_to_image', 128);
    layer(at, 'norm2', [256]);
    layer(at, 'mlp.lin1', [2048, 256]);
    layer(at, 'mlp.lin2', [256, 2048]);
    layer(at, 'norm3', [256]);
    layer(at, 'norm4', [256]);
    attention(at, 'cross_attn_image_to_token', 128);
  }
  attention(add, 'final_attn_token_to_image', 128);
  layer(add, 'norm_final_attn', [256]);
}

function attention(add: Add, name: string, inner: number): void {
  for (const part of ['q_proj', 'k_proj', 'v_proj']) layer(add, `${name}.${part}`, [inner, 256]);
  layer(add, `${name}.out_proj`, [256, inner]);
}

/** Three layers of 256 inputs. */
export function mlp(add: Add, name: string, out: number): void {
  for (const [i, rows] of [256, 256, out].entries()) layer(add, `${name}.layers.${i}`, [rows, 256]);
}

/** The parsing classes' tokens, the map's upscaling for them, and their head. */
export function parsing(add: Add): void {
  add('mask_tokens.weight', [11, 256]);
  layer(add, 'output_upscaling.0', [256, 64, 2, 2], 64);
  layer(add, 'output_upscaling.1', [64]);
  layer(add, 'output_upscaling.3', [64, 32, 2, 2], 32);
  mlp(add, 'output_hypernetwork_mlps', 32);
}
