/** The checkpoint's tensors, module by module as PyTorch nests them, described where they are used. */

import type { DescribedTensor, Drawn, TensorList } from '../checkpoint/checkpoint.ts';
import { bytesOf } from '../checkpoint/dtypes.ts';
import { byShape } from '../checkpoint/seeded.ts';

type Options = Pick<DescribedTensor, 'dtype' | 'optional' | 'values'>;

/**
 * A module of the checkpoint. `w.at('mlp.0').get('weight', [512, 128])` names the tensor `....mlp.0.weight` and says its shape, so that building
 * the network once also gives the list of its tensors: what a checkpoint must hold, what it may lack, and what seeded weights are made for.
 */
export class Weights {
  constructor(
    readonly path = '',
    private readonly named = new Map<string, DescribedTensor>(),
  ) {}

  /** A module inside of this one. */
  at(module: string | number): Weights {
    return new Weights(this.#path(module), this.named);
  }

  /** A tensor that the network is made from: its full name. */
  get(name: string, shape: readonly number[]): string {
    return this.#add(name, shape, { dtype: 'F32' });
  }

  /** An int64 buffer, which the architecture defines: weights may lack it; what `values` says it holds it must hold where it is there. */
  buffer(name: string, shape: readonly number[], values?: BigInt64Array): void {
    this.#add(name, shape, { dtype: 'I64', optional: true, ...(values && { values }) });
  }

  /** A tensor that PyTorch's module has and the network does not read: weights may lack it. */
  unused(name: string, shape: readonly number[]): void {
    this.#add(name, shape, { dtype: 'F32', optional: true });
  }

  /** All that was named so far, here and in every other module, in the order of its first use. */
  get tensors(): TensorList {
    return this.named;
  }

  #add(tensor: string, shape: readonly number[], options: Options): string {
    const name = this.#path(tensor);
    const known = this.named.get(name);
    if (known && `${known.shape}` !== `${shape}`) throw new Error(`${name} is used as [${known.shape}] and as [${shape}]`);
    if (!known) this.named.set(name, { name, shape, bytes: bytesOf(options.dtype, shape), drawn: drawn(name, shape), ...options });
    return name;
  }

  #path = (module: string | number): string => (this.path === '' ? String(module) : `${this.path}.${module}`);
}

/** How wide a tensor is drawn in seeded weights (checkpoint/seeded.ts), by what its name says beside its shape: the first rule that it matches. Attention weights are drawn twice as wide, so that a wrong mask or head order shows. */
function drawn(name: string, shape: readonly number[]): Drawn {
  if (/positional_encoding_gaussian_matrix$|_tokens?\.weight$/.test(name)) return { scale: Math.sqrt(3), offset: 0 };
  if (name.endsWith('relative_position_bias_table')) return { scale: 2, offset: 0 };
  const { scale, offset } = byShape(name, shape);
  if (/\.(attn\.qkv|q_proj|k_proj)\.weight$/.test(name)) return { scale: 2 * scale, offset };
  // A transposed convolution's inputs are its first dimension.
  if (shape.length === 4 && name.includes('output_upscaling')) return { scale: Math.sqrt(3 / (shape[0] as number)), offset };
  // Massive activations, as trained Swin encoders have them.
  if (/^backbone\.0\.5\..*\.mlp\.3\.bias$/.test(name)) return { scale, offset, spikes: { every: 97, first: 13, times: 40 } };
  return { scale, offset };
}
