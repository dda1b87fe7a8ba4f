import type { Kernel } from '../../src/kernels/kernel.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import type { WindowAttentionShape } from '../../src/kernels/windowAttention/role.ts';
import { attention, rowsOf } from './float64.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

const WINDOW = 7;

type Map<T> = T[][];

/** torch.roll(map, (by, by), dims=(0, 1)) */
const roll = <T>(map: Map<T>, by: number): Map<T> =>
  map.map((row, y) => row.map((_, x) => map.at((y - by) % map.length)?.at((x - by) % row.length) as T));

/** The places of each window, in the order of torchvision's partition. */
function windows(side: number): [number, number][][] {
  const all: [number, number][][] = [];
  for (let wy = 0; wy < side; wy += WINDOW)
    for (let wx = 0; wx < side; wx += WINDOW)
      all.push(Array.from({ length: WINDOW ** 2 }, (_, i) => [wy + Math.floor(i / WINDOW), wx + (i % WINDOW)]));
  return all;
}

/** The numbers of a map, with `padding` at its right and bottom up to a side that is a multiple of the window's. */
function padded(map: Float64Array, side: number, padding: ArrayLike<number>): Float64Array {
  const wide = WINDOW * Math.ceil(side / WINDOW);
  const row = padding.length;
  const out = new Float64Array(wide * wide * row);
  for (let y = 0; y < wide; y++)
    for (let x = 0; x < wide; x++)
      out.set(x < side && y < side ? map.subarray((y * side + x) * row, (y * side + x + 1) * row) : padding, (y * wide + x) * row);
  return out;
}

/** The numbers of the map's upper left corner, row by row. */
const cropped = (map: Float64Array, wide: number, side: number, row: number): number[] =>
  Array.from({ length: side }, (_, y) => [...map.subarray(y * wide * row, (y * wide + side) * row)]).flat();

/** torchvision's shifted_window_attention without its two projections: qkv [side^2, 3 channels] to [side^2, channels], side a multiple of 7. */
function shiftedWindows(qkv: Float64Array, table: Float32Array, { side, heads, shift }: { side: number; heads: number; shift: number }) {
  const channels = 32 * heads;
  const y = new Float64Array(side * side * channels);
  const unscale = Math.sqrt(32); // the projection has scaled the queries already, and `attention` divides by it
  // The slices (0, -7), (-7, -3), (-3, None) of both axes, numbered.
  const label = (at: number): number => (at < side - WINDOW ? 0 : at < side - shift ? 1 : 2);
  const region = ([py, px]: [number, number]): number => 3 * label(py) + label(px);
  for (let h = 0; h < heads; h++) {
    const [q, k, v] = [0, 1, 2].map((part) => {
      const rows = rowsOf(qkv, 32, 3 * channels, part * channels + h * 32);
      return roll(
        Array.from({ length: side }, (_, r) => rows.slice(r * side, (r + 1) * side)),
        -shift,
      );
    }) as [Map<Float64Array>, Map<Float64Array>, Map<Float64Array>];
    const out: Map<Float64Array> = Array.from({ length: side }, () => []);
    for (const places of windows(side)) {
      const of = (map: Map<Float64Array>): Float64Array[] => places.map(([py, px]) => map[py]?.[px] as Float64Array);
      const added = (i: number, j: number): number => {
        const [a, b] = [places[i] as [number, number], places[j] as [number, number]];
        const bias = table[((a[0] - b[0] + 6) * 13 + a[1] - b[1] + 6) * heads + h] as number;
        return bias + (shift > 0 && region(a) !== region(b) ? -100 : 0);
      };
      for (const [i, row] of attention(
        of(q).map((query) => query.map((v) => v * unscale)),
        of(k),
        of(v),
        added,
      ).entries()) {
        const [py, px] = places[i] as [number, number];
        (out[py] as Float64Array[])[px] = row;
      }
    }
    for (const [i, row] of roll(out, shift).flat().entries()) y.set(row, i * channels + h * 32);
  }
  return y;
}

function windowCase(kernel: Kernel<WindowAttentionShape>, name: string, shape: WindowAttentionShape, scale = 1): KernelCase {
  const { images = 1, side, heads, shift, shares = 1, dtype = 'f32' } = shape;
  const more = `${images > 1 ? `, ${images} images` : ''}${shares > 1 ? `, ${shares} shares` : ''}${dtype === 'f16' ? ', float16' : ''}`;
  return {
    name: `${name}: side ${side}, ${heads} heads, shift ${shift}${more}`,
    bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const length = images * side * side * 96 * heads;
      const x = randomValues(shares * length, 1).map((v) => scale * v);
      const type = shares > 1 ? 'f32' : dtype;
      const table = randomValues(169 * heads, 2).map((v) => 2 * v);
      const wide = WINDOW * Math.ceil(side / WINDOW);
      const padding = randomValues(96 * heads, 3).map((v) => scale * v);
      const byHead = transposed(table, 169, new Float32Array(table.length));
      const inputs = { x: stored(x, type), t: wide > side ? Float32Array.of(...byHead, ...padding) : byHead };
      const y = await runKernel(device, kernel, shape, inputs, images * side * side * 32 * heads, dtype);
      const given = rounded(x, type);
      const summed = Float64Array.from({ length }, (_, i) => {
        let sum = 0;
        for (let at = i; at < given.length; at += length) sum += given[at] as number;
        return sum;
      });
      const maps = rowsOf(summed, side * side * 96 * heads);
      return {
        actual: numbersOf(y, dtype),
        expected: maps.flatMap((map) => {
          const y = shiftedWindows(padded(map, side, padding), table, { side: wide, heads, shift });
          return cropped(y, wide, side, 32 * heads);
        }),
      };
    },
  };
}

/** The cases of every kernel that computes shifted-window attention of one image in float32. */
export function windowCases(kernel: Kernel<WindowAttentionShape>): KernelCase[] {
  const of = (name: string, side: number, heads: number, shift: number, scale?: number): KernelCase =>
    windowCase(kernel, name, { side, heads, shift }, scale);
  return [
    of('stage 1', 56, 4, 3),
    of('stage 3', 14, 16, 0),
    of('stage 4', 7, 32, 0),
    of('one head', 21, 1, 3),
    // The mask is -100, not minus infinity: where scores differ by more, a masked key still counts, as in PyTorch.
    of('scores of hundreds', 14, 2, 3, 20),
    of('small values', 14, 2, 3, 1e-3),
    of('a padded map', 16, 3, 3),
    of('padded, scores of hundreds', 16, 3, 3, 20),
  ];
}

/** The cases of what products leave in shares. */
export function windowSharesCases(kernel: Kernel<WindowAttentionShape>): KernelCase[] {
  const of = (name: string, shape: WindowAttentionShape): KernelCase => windowCase(kernel, name, shape);
  return [
    of('a padded batch', { images: 2, side: 16, heads: 3, shift: 3, shares: 2 }),
    of('stage 3', { side: 14, heads: 3, shift: 3, shares: 4, dtype: 'f16' }),
  ];
}

/** The cases of several images, and of float16. */
export function windowBatchCases(kernel: Kernel<WindowAttentionShape>): KernelCase[] {
  const of = (name: string, shape: WindowAttentionShape, scale?: number): KernelCase => windowCase(kernel, name, shape, scale);
  return [
    of('a batch, stage 3', { images: 3, side: 14, heads: 16, shift: 3 }),
    of('a padded batch', { images: 2, side: 16, heads: 3, shift: 3 }),
    of('stage 1', { side: 56, heads: 4, shift: 3, dtype: 'f16' }),
    of('stage 3', { side: 14, heads: 16, shift: 0, dtype: 'f16' }),
    of('a batch', { images: 2, side: 14, heads: 3, shift: 3, dtype: 'f16' }),
    of('scores of hundreds', { side: 14, heads: 2, shift: 3, dtype: 'f16' }, 20),
  ];
}
