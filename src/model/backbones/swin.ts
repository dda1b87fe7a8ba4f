/** Swin-B as torchvision builds it (models/swin_transformer.py), channels last; module paths are the checkpoint's. */

import type { Parameter, Tensor } from '../../graph/graph.ts';
import { transposed } from '../../kernels/matmul/role.ts';
import { HEAD_SCALE, product, rowsOf, rowsOfStream, SWIN_EPS, sideOf } from '../layers.ts';
import { addedLinear, embedded, folded, normedLinear, normedQkv, tapMap } from '../streams.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';
import type { Backbone } from './backbone.ts';

export const WINDOW = 7;
/** Blocks of each stage; stage s has 128 * 2^s channels, in heads of 32 dimensions. */
export const DEPTHS = [2, 2, 18, 2];

/** (yi - yj + 6) * 13 + (xi - xj + 6) for positions i, j of a 7x7 window; [49 * 49]. The kernels compute it. */
const POSITION_INDEX = BigInt64Array.from({ length: WINDOW ** 4 }, (_, i) => {
  const place = (position: number) => 13 * Math.floor(position / WINDOW) + (position % WINDOW);
  return BigInt(place(Math.floor(i / 49)) - place(i % 49) + 6 * 13 + 6);
});

/** Swin-B. Its maps are the raw residual streams after each stage, before patch merging: of 128, 256, 512 and 1024 channels. */
export const swin: Backbone = {
  name: 'swin_b',
  recognises: (tensors) => tensors.has('backbone.0.1.0.attn.qkv.weight'),
  build(t, resized, w) {
    const norm = w.at(1); // of torchvision's classifier
    norm.unused('weight', [1024]);
    norm.unused('bias', [1024]);
    return stages(t, resized, w.at(0));
  },
};

function stages(t: Target, resized: Tensor, w: Weights): Stream[] {
  const maps: Stream[] = [];
  let x = embedded(t, resized, w.at(0), { norm: 2, eps: SWIN_EPS });
  tapMap(t, 'patch_embed', x);
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

/** x + attention(norm1(x)), then + mlp(norm2(x)). Odd blocks shift their windows by 3, but for a map that is one window. */
function swinBlock(t: Target, x: Stream, w: Weights, odd: boolean): Stream {
  const { channels, tensor } = x;
  const side = sideOf(t, tensor);
  const heads = channels / 32;
  const shift = odd && side > WINDOW ? 3 : 0;
  const attn = w.at('attn');
  const { tensor: qkv, shares } = normedQkv(t, x, w.at('norm1'), attn.at('qkv'));
  const table = biasTable(t, attn, heads, side % WINDOW > 0);
  const shape = { side, heads, shift, shares, images: t.graph.images, dtype: t.dtype };
  const rows = rowsOf(tensor.shape);
  const attended = t.graph.add(attn.path, t.kernels.windowAttention, shape, { x: qkv, t: table }, [rows, channels], t.dtype);
  const y = addedLinear(t, attended, attn.at('proj'), x);
  const hidden = normedLinear(t, y, w.at('norm2'), w.at('mlp.0'));
  return addedLinear(t, hidden, w.at('mlp.3'), y);
}

/**
 * The relative position bias, head by head. Where the map is padded, the projection's bias lies behind it, the queries' scaled: what the projection makes
 * of the zeros that torchvision pads the normed map with.
 */
function biasTable({ graph }: Target, attn: Weights, heads: number, padded: boolean): Parameter {
  const table = attn.get('relative_position_bias_table', [(2 * WINDOW - 1) ** 2, heads]);
  attn.buffer('relative_position_index', [WINDOW ** 4], POSITION_INDEX);
  if (!padded) return graph.parameter(`${table} by head`, [table], 169 * heads, 'f32', (into, [source]) => transposed(source, 169, into));
  const channels = 32 * heads;
  const bias = attn.at('qkv').get('bias', [3 * channels]);
  return graph.parameter(`${table} by head + ${bias}`, [table, bias], 169 * heads + 3 * channels, 'f32', (into, [source, added]) => {
    transposed(source, 169, into);
    for (const [i, b] of added.entries()) into[169 * heads + i] = i < channels ? b * HEAD_SCALE : b;
  });
}

/** Four neighbours side by side, norm, and a linear layer without bias to twice the channels. */
function mergePatches(t: Target, x: Stream, w: Weights): Stream {
  const [norm, reduction] = [w.at('norm'), w.at('reduction')];
  const cols = 2 * x.channels;
  const layer = folded(t, { norm, w: reduction, cols, inner: 4 * x.channels, bias: false });
  const merge = { mergeSide: sideOf(t, x.tensor), rows: rowsOf(x.tensor.shape) / 4, stream: true, dtype: 'f32' } as const;
  return { tensor: product(t, w.path, rowsOfStream(x), { ...layer, ...merge }), channels: cols };
}
