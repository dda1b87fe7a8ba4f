/** How wide the model's tensors are drawn in seeded weights (checkpoint/seeded.ts): what their names say beside their shapes. */

import type { Drawn } from '../checkpoint/checkpoint.ts';
import { byShape } from '../checkpoint/seeded.ts';

/** The first rule that the name matches. Attention weights are drawn twice as wide, so that a wrong mask or head order shows. */
export function drawn(name: string, shape: readonly number[]): Drawn {
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
