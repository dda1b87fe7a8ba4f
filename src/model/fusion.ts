/**
 * The paper's multi-scale fusion (section 3.1; official network/models/facexformer.py): each map through its linear layer,
 * upsampled to the finest, concatenated from coarse to fine, and a 1x1 convolution.
 */
import type { Parameter, Tensor } from '../graph/graph.ts';
import { bilinearSum } from '../kernels/bilinearSum.ts';
import { packWeight, paddedCols, transposed } from '../kernels/matmul/role.ts';
import { multiplied } from './fold.ts';
import { padded, product, rowsOfTensor, sideOf } from './layers.ts';
import { WIDTH } from './sizes.ts';
import type { Stream, Target } from './target.ts';
import type { Weights } from './weights.ts';

/**
 * Four maps, finest first, to the face tokens [3136, 256]. Linear layer, upsampling and 1x1 convolution commute, so each scale has one
 * folded matrix at its own resolution: 193 M instead of 1,015 M multiply-adds, and no concatenation.
 */
export function fuse(t: Target, maps: readonly Stream[], w: Weights): Tensor {
  const [x, x2, x4, x8] = maps.map((map, i) => {
    const bias = i === 0 ? foldedBias(t, w) : undefined; // once is enough: a constant is its own upsampling
    const layer = { weight: foldedWeight(t, i, map.channels, w), bias, cols: WIDTH };
    return product(t, `linear_c.${i} fused`, rowsOfTensor(map.tensor, padded(map.channels)), layer);
  }) as [Tensor, Tensor, Tensor, Tensor];
  const side = sideOf(t, x);
  const fused = t.graph.add(
    'linear_fuse',
    bilinearSum,
    { side, channels: WIDTH, images: t.graph.images, dtype: t.dtype },
    { x, x2, x4, x8 },
    x.shape,
  );
  t.graph.tap('fused', fused, [1, WIDTH, side, side], (values) => planes(values, WIDTH));
  return fused;
}

/** Channels-last rows to planes. */
export const planes = (values: Float32Array, channels: number): Float32Array =>
  transposed(values, values.length / channels, new Float32Array(values.length));

const fuseWeight = (w: Weights): string => w.at('linear_fuse').get('weight', [WIDTH, 4 * WIDTH, 1, 1]);

/** linear_fuse's columns for scale i (the concatenation runs from the coarsest, i = 3) times that scale's weight, in float64. */
function foldedWeight({ graph, dtype }: Target, i: number, inner: number, w: Weights): Parameter {
  const from = [fuseWeight(w), w.at(`linear_c.${i}.proj`).get('weight', [WIDTH, inner])] as const;
  const length = paddedCols(WIDTH) * padded(inner);
  return graph.parameter(`linear_fuse x linear_c.${i}`, from, length, dtype, function* (into, [fuse, weight]) {
    const columns = new Float64Array(WIDTH * WIDTH);
    for (let n = 0; n < WIDTH; n++) {
      const first = n * 4 * WIDTH + (3 - i) * WIDTH;
      columns.set(fuse.subarray(first, first + WIDTH), n * WIDTH);
    }
    const row = padded(inner);
    const folded = new Float64Array(WIDTH * row);
    const inputs = transposed(weight, WIDTH, new Float64Array(inner * WIDTH)); // [inner, WIDTH]
    yield* multiplied(columns, inputs, WIDTH, { values: folded, cols: row, first: 0 });
    packWeight(folded, WIDTH, row, into);
  });
}

function foldedBias({ graph }: Target, w: Weights): Parameter {
  const from = [fuseWeight(w), ...[0, 1, 2, 3].map((i) => w.at(`linear_c.${i}.proj`).get('bias', [WIDTH]))] as const;
  return graph.parameter('linear_fuse x biases', from, WIDTH, 'f32', (into, [fuse, ...biases]) => {
    for (let n = 0; n < WIDTH; n++) {
      let sum = 0;
      for (const [i, bias] of biases.entries())
        for (let m = 0; m < WIDTH; m++) sum += (fuse[n * 4 * WIDTH + (3 - i) * WIDTH + m] as number) * (bias[m] as number);
      into[n] = sum;
    }
  });
}
