/** The encoder: torchvision's Swin transformer, channels last, its four feature maps as raw residual streams. */
import { EMBED_CHANNELS } from '../src/kernels/embed.ts';
import { DEPTHS, WINDOW } from '../src/model/backbones/swin.ts';
import type { Graph, Shape, Value } from './graph.ts';
import { add, concat, conv, gelu, layerNorm, linear, matmul, mul, pick, reshape, slice, softmax, transpose } from './ops.ts';

const AREA = WINDOW * WINDOW;
/** Channels of a head. */
const HEAD = 32;

/**
 * pixels [1, 3, S, S] to the feature maps of all stages, [1, S/4, S/4, width] and on, halved and doubled.
 * @param width channels of the first stage
 * @param depths blocks of each stage
 */
export function swin(g: Graph, pixels: Value, width: number = EMBED_CHANNELS, depths: readonly number[] = DEPTHS): Value[] {
  let x = conv(g, pixels, 'backbone.0.0.0', { out: width, kernel: 4, stride: 4 });
  x = layerNorm(g, transpose(g, x, 0, 2, 3, 1), 'backbone.0.0.2');
  return depths.map((depth, stage) => {
    if (stage > 0) x = patchMerging(g, x, `backbone.0.${2 * stage}`);
    for (let block = 0; block < depth; block++) x = swinBlock(g, x, `backbone.0.${2 * stage + 1}.${block}`, block % 2 === 1);
    return x;
  });
}

/** [1, H, W, C] to the same; odd blocks shift their windows unless one window covers the map. */
export function swinBlock(g: Graph, x: Value, name: string, odd: boolean): Value {
  const shift = odd && (x.shape[1] as number) > WINDOW ? 3 : 0;
  x = add(g, x, windowAttention(g, layerNorm(g, x, `${name}.norm1`), `${name}.attn`, shift));
  const channels = x.shape[3] as number;
  const hidden = gelu(g, linear(g, layerNorm(g, x, `${name}.norm2`), `${name}.mlp.0`, 4 * channels));
  return add(g, x, linear(g, hidden, `${name}.mlp.3`, channels));
}

function windowAttention(g: Graph, x: Value, name: string, shift: number): Value {
  const [, H, W, C] = x.shape as [number, number, number, number];
  const [rows, columns, heads] = [H / WINDOW, W / WINDOW, C / HEAD];
  const windows = rows * columns;
  if (shift > 0) x = roll(g, roll(g, x, 1, shift), 2, shift);
  x = transpose(g, reshape(g, x, [1, rows, WINDOW, columns, WINDOW, C]), 0, 1, 3, 2, 4, 5);
  x = reshape(g, x, [windows, AREA, C]);

  const qkv = transpose(g, reshape(g, linear(g, x, `${name}.qkv`, 3 * C), [windows, AREA, 3, heads, HEAD]), 2, 0, 3, 1, 4);
  const [q, k, v] = [0, 1, 2].map((i) => pick(g, qkv, 0, i)) as [Value, Value, Value]; // [windows, heads, 49, 32]
  let scores = matmul(g, mul(g, q, g.scalar(HEAD ** -0.5)), transpose(g, k, 0, 1, 3, 2));
  scores = add(g, scores, positionBias(g, `${name}.relative_position_bias_table`, heads));
  if (shift > 0) {
    scores = add(g, reshape(g, scores, [1, windows, heads, AREA, AREA]), shiftMask(g, H, W, shift));
    scores = reshape(g, scores, [windows, heads, AREA, AREA]);
  }
  const mixed = matmul(g, softmax(g, scores), v);
  x = linear(g, reshape(g, transpose(g, mixed, 0, 2, 1, 3), [windows, AREA, C]), `${name}.proj`, C);

  x = transpose(g, reshape(g, x, [1, rows, columns, WINDOW, WINDOW, C]), 0, 1, 3, 2, 4, 5);
  x = reshape(g, x, [1, H, W, C]);
  return shift > 0 ? roll(g, roll(g, x, 1, H - shift), 2, W - shift) : x;
}

/** Cyclic: index `by` comes first. */
function roll(g: Graph, x: Value, axis: number, by: number): Value {
  return concat(g, [slice(g, x, axis, by, x.shape[axis] as number), slice(g, x, axis, 0, by)], axis);
}

/** The table [169, heads], looked up for every pair of positions of a window: [1, heads, 49, 49]. */
function positionBias(g: Graph, name: string, heads: number): Value {
  const span = 2 * WINDOW - 1;
  const convert = (table: Float32Array) =>
    fill([heads, AREA, AREA], ([head, i, j]) => {
      const dy = Math.floor(i / WINDOW) - Math.floor(j / WINDOW) + WINDOW - 1;
      const dx = (i % WINDOW) - (j % WINDOW) + WINDOW - 1;
      return table[(dy * span + dx) * heads + head] as number;
    });
  return g.weight(name, [span * span, heads], { shape: [1, heads, AREA, AREA], convert });
}

/** After the roll a window at the edge holds parts of the picture that are no neighbours; -100 keeps them apart: [1, windows, 1, 49, 49]. */
function shiftMask(g: Graph, H: number, W: number, shift: number): Value {
  const columns = W / WINDOW;
  const windows = (H / WINDOW) * columns;
  const part = (at: number, size: number) => (at < size - WINDOW ? 0 : at < size - shift ? 1 : 2);
  const region = (window: number, i: number) => {
    const y = Math.floor(window / columns) * WINDOW + Math.floor(i / WINDOW);
    const x = (window % columns) * WINDOW + (i % WINDOW);
    return 3 * part(y, H) + part(x, W);
  };
  const make = () => fill([windows, AREA, AREA], ([window, i, j]) => (region(window, i) === region(window, j) ? 0 : -100));
  return g.table(`shift_mask.${H}x${W}`, [1, windows, 1, AREA, AREA], make);
}

function fill([a, b, c]: [number, number, number], at: (index: [number, number, number]) => number): Float32Array {
  const out = new Float32Array(a * b * c);
  for (let n = 0; n < out.length; n++) out[n] = at([Math.floor(n / (b * c)), Math.floor(n / c) % b, n % c]);
  return out;
}

/** [1, H, W, C] to [1, H/2, W/2, 2C]: four neighbours side by side, normalised, projected. */
export function patchMerging(g: Graph, x: Value, name: string): Value {
  const [, H, W, C] = x.shape as [number, number, number, number];
  const rows = [0, 1].map((y) => slice(g, x, 1, y, H, 2)) as [Value, Value];
  const order: Shape[] = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  const neighbours = order.map(([y, column]) => slice(g, rows[y as 0 | 1], 2, column as number, W, 2));
  return linear(g, layerNorm(g, concat(g, neighbours, 3), `${name}.norm`), `${name}.reduction`, 2 * C, { bias: false });
}
