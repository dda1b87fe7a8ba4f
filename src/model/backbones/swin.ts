/** Swin-B as torchvision builds it (models/swin_transformer.py), channels last; module paths are the checkpoint's. */

import { DEPTHS } from '../../checkpoint/tensors.ts';
import type { Tensor } from '../../graph/graph.ts';
import { transposed } from '../../kernels/matmul/role.ts';
import { rowsOf } from '../layers.ts';
import type { Lowering, Stream, Target } from '../lowering.ts';
import type { Weights } from '../weights.ts';

const WINDOW = 7;

/**
 * A picture's bytes, [images * 224 * 224], to the four feature maps that the fusion reads: the raw residual streams after each stage, before
 * patch merging. [56 * 56, 128], [28 * 28, 256], [14 * 14, 512], [7 * 7, 1024]
 */
export function swin(t: Target, steps: Lowering, resized: Tensor, w: Weights): Stream[] {
  const maps: Stream[] = [];
  let x = steps.embed(t, resized, w.at(0)); // [3136, 128]
  tapMap(t, 'patch_embed', x);
  for (const [stage, depth] of DEPTHS.entries()) {
    const layers = w.at(2 * stage + 1);
    for (let i = 0; i < depth; i++) {
      x = swinBlock(t, steps, x, layers.at(i), i % 2 === 1);
      if (stage === 0) tapMap(t, `stage1.block${i}`, x);
    }
    tapMap(t, `stage${stage + 1}`, x);
    maps.push(x);
    if (stage < 3) {
      x = steps.mergePatches(t, x, w.at(2 * stage + 2)); // half the side, twice the channels
      tapMap(t, `merge${stage + 1}`, x);
    }
  }
  return maps;
}

/** Side of one image's map. */
export const sideOf = ({ graph }: Target, { shape }: Tensor): number => Math.sqrt(rowsOf(shape) / graph.images);

/** A map's tap in PyTorch's shape, [1, H, W, C]: its rows are ours, without what a stream carries behind them. */
function tapMap(t: Target, name: string, { tensor, channels }: Stream): void {
  const side = sideOf(t, tensor);
  t.graph.tap(name, tensor, [1, side, side, channels], (values) => firstOf(values, channels, values.length / (side * side)));
}

/** The first `width` values of each row of `stride`. */
export function firstOf(values: Float32Array, width: number, stride: number): Float32Array {
  if (width === stride) return values;
  const out = new Float32Array((values.length / stride) * width);
  for (let r = 0; r * stride < values.length; r++) out.set(values.subarray(r * stride, r * stride + width), r * width);
  return out;
}

/** x + attention(norm1(x)), then + mlp(norm2(x)). Odd blocks shift their windows by 3, but for a map that is one window. */
function swinBlock(t: Target, steps: Lowering, x: Stream, w: Weights, odd: boolean): Stream {
  const { channels, tensor } = x;
  const side = sideOf(t, tensor);
  const heads = channels / 32;
  const shift = odd && side > WINDOW ? 3 : 0;
  const attn = w.at('attn');
  const qkv = steps.normedLinear(t, x, w.at('norm1'), attn.at('qkv'), { cols: 3 * channels, queries: channels });
  const tableName = attn.name('relative_position_bias_table');
  const table = t.graph.parameter(`${tableName} by head`, [tableName], 169 * heads, (into, [source]) =>
    transposed(source as Float32Array, 169, into),
  );
  const shape = { side, heads, shift, images: t.graph.images, dtype: t.dtype };
  const rows = rowsOf(tensor.shape);
  const attended = t.graph.add(attn.path, t.kernels.windowAttention, shape, { x: qkv, t: table }, [rows, channels], t.dtype);
  const y = steps.addedLinear(t, attended, attn.at('proj'), x);
  const hidden = steps.normedLinear(t, y, w.at('norm2'), w.at('mlp.0'), { cols: 4 * channels, activation: 'gelu' });
  return steps.addedLinear(t, hidden, w.at('mlp.3'), y);
}
