/** Swin-B as torchvision builds it (models/swin_transformer.py), channels last; module paths are the checkpoint's. */

import type { Operand, Tensor } from '../graph/graph.ts';
import { packPatchWeight, patchEmbed } from '../kernels/patchEmbed.ts';
import { patchMerge } from '../kernels/patchMerge.ts';
import { packBiasTable } from '../kernels/windowAttention.ts';
import { lastOf, linear, norm, rowsOf, rowsOfTensor, stored, type Target } from './layers.ts';
import type { Weights } from './weights.ts';

/** Blocks of each stage; stage s has 128 * 2^s channels and 4 * 2^s heads of 32 dimensions. */
export const DEPTHS = [2, 2, 18, 2] as const;
const WINDOW = 7;

/**
 * Pixels [3, 224, 224] to the four feature maps that the fusion reads: the raw residual streams after each stage, before
 * patch merging. [56 * 56, 128], [28 * 28, 256], [14 * 14, 512], [7 * 7, 1024]
 */
export function swin(t: Target, pixels: Tensor, w: Weights): Tensor[] {
  const maps: Tensor[] = [];
  let x = embedPatches(t, pixels, w.at(0)); // [3136, 128]
  for (const [stage, depth] of DEPTHS.entries()) {
    const layers = w.at(2 * stage + 1);
    for (let i = 0; i < depth; i++) {
      x = swinBlock(t, x, layers.at(i), i % 2 === 1);
      if (stage === 0) tapMap(t, `stage1.block${i}`, x);
    }
    tapMap(t, `stage${stage + 1}`, x);
    maps.push(x);
    if (stage < 3) {
      x = mergePatches(t, x, w.at(2 * stage + 2)); // half the side, twice the channels
      tapMap(t, `merge${stage + 1}`, x);
    }
  }
  return maps;
}

const sideOf = (x: Tensor): number => Math.sqrt(rowsOf(x.shape));

/** A map's tap in PyTorch's shape, [1, H, W, C]: its rows are ours. */
function tapMap({ graph }: Target, name: string, x: Tensor): void {
  graph.tap(name, x, [1, sideOf(x), sideOf(x), lastOf(x.shape)]);
}

function embedPatches(t: Target, pixels: Tensor, w: Weights): Tensor {
  const size = pixels.shape[1] as number;
  const channels = 128;
  const conv = w.at(0);
  const weight = t.graph.parameter(`${conv.name('weight')} packed`, [conv.name('weight')], 48 * channels, (into, [source]) =>
    into.set(packPatchWeight(source as Float32Array, channels)),
  );
  const inputs: Record<string, Operand> = { x: pixels, w: weight, b: stored(t.graph, conv.name('bias'), channels) };
  const x = t.graph.add(conv.path, patchEmbed, { size, channels }, inputs, [(size / 4) ** 2, channels]);
  const embedded = norm(t, x, w.at(2));
  tapMap(t, 'patch_embed', embedded);
  return embedded;
}

/** x + attention(norm1(x)), then + mlp(norm2(x)). Odd blocks shift their windows by 3, but for a map that is one window. */
function swinBlock(t: Target, x: Tensor, w: Weights, odd: boolean): Tensor {
  const channels = lastOf(x.shape);
  const side = sideOf(x);
  const heads = channels / 32;
  const shift = odd && side > WINDOW ? 3 : 0;
  const attn = w.at('attn');
  const qkv = linear(t, norm(t, x, w.at('norm1')), attn.at('qkv'), 3 * channels);
  const tableName = attn.name('relative_position_bias_table');
  const table = t.graph.parameter(`${tableName} by head`, [tableName], 169 * heads, (into, [source]) =>
    into.set(packBiasTable(source as Float32Array, heads)),
  );
  const attended = t.graph.add(attn.path, t.kernels.windowAttention, { side, heads, shift }, { x: qkv, t: table }, x.shape);
  const y = linear(t, attended, attn.at('proj'), channels, { residual: rowsOfTensor(x) });
  const hidden = linear(t, norm(t, y, w.at('norm2')), w.at('mlp.0'), 4 * channels, { activation: 'gelu' });
  return linear(t, hidden, w.at('mlp.3'), channels, { residual: rowsOfTensor(y) });
}

/** Four neighbours side by side, norm, and a linear layer to half as many channels. */
function mergePatches(t: Target, x: Tensor, w: Weights): Tensor {
  const side = sideOf(x);
  const channels = lastOf(x.shape);
  const gathered = t.graph.add(w.path, patchMerge, { side, channels }, { x }, [(side / 2) ** 2, 4 * channels]);
  return linear(t, norm(t, gathered, w.at('norm')), w.at('reduction'), 2 * channels, { bias: false });
}
