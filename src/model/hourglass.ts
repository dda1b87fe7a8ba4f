/**
 * Landmarks of the paper's form: a stacked hourglass on the face tokens, steered by the landmark tokens (paper section 3.3; the
 * blocks and the decoding of heat maps are STAR's, with whose loss the paper trains). Pooling, upsampling, batch norms, ReLUs and
 * additions ride on the convolutions: three dispatches a block.
 */
import type { Graph, Parameter, Tensor } from '../graph/graph.ts';
import { heatmapPoints } from '../kernels/heatmapPoints.ts';
import { paddedCols } from '../kernels/matmul/role.ts';
import { packRows } from '../kernels/packRows.ts';
import { affine, type BatchNorm, convolution, pointwise, statistics } from './batch-norm.ts';
import { planes } from './fusion.ts';
import type { Made } from './heads.ts';
import { lastOf, padded, product, rowsOf, rowsOfTensor, sideOf } from './layers.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

/** torch.nn.BatchNorm2d's and torch.nn.functional.instance_norm's default. */
const EPS = 1e-5;

/** How deep the network is. */
export interface HourglassSizes {
  readonly stacks: number;
  /** Halvings of the map in each stack. */
  readonly levels: number;
}

/** The paper's. */
export const PAPER_HOURGLASS: HourglassSizes = { stacks: 4, levels: 3 };

/** A map of 56 x 56 halves three times. */
const MOST_LEVELS = 3;
/** More stacks than anyone has trained: a file that lists thousands is not worth as many kernels. */
const MOST_STACKS = 16;

/** Counts the stacks of some weights, and the levels nested in the first: one of each at least, so that what is missing is named by the check. */
export function hourglassOf(tensors: ReadonlyMap<string, unknown>): HourglassSizes {
  const path = 'face_decoder.landmarks_hourglass.stacks';
  let stacks = 1;
  while (stacks < MOST_STACKS && tensors.has(`${path}.${stacks}.conv.weight`)) stacks++;
  let levels = 1;
  while (levels < MOST_LEVELS && tensors.has(`${path}.0.hourglass${'.low2'.repeat(levels)}.low3.conv1.weight`)) levels++;
  return { stacks, levels };
}

/** Tap of the heat maps from which the landmarks are read: the last stack's. */
export const hourglassTap = ({ stacks }: HourglassSizes): string => `landmarks.stack${stacks - 1}.heatmaps`;

const norm = (w: Weights): BatchNorm => ({ w, eps: EPS });

/**
 * The token MLP's kernels [images * points, width] and the face tokens [images * side * side, width] to points [images * points, 2] in
 * [-1, 1], x then y.
 */
export function landmarksHourglass(t: Target, { numbers: kernels, face, w: decoder }: Made, { stacks, levels }: HourglassSizes): Tensor {
  const w = decoder.at('landmarks_hourglass');
  const { images } = t.graph;
  const side = sideOf(t, face);
  const width = lastOf(kernels.shape);
  const points = rowsOf(kernels.shape) / images;
  let x = mergedHeatmaps(t, tokenMaps(t, kernels, face, w), points, face, w.at('merge_tokens'));
  for (let i = 0; ; i++) {
    const stack = w.at('stacks').at(i);
    const blocks = block(t, hourglass(t, x, levels, stack.at('hourglass')), stack.at('block'));
    const features = pointwise(t, blocks, stack.at('conv'), width, { bn: norm(stack.at('bn')), activation: 'relu' });
    const heatmaps = heatmapsOf(t, features, points, stack.at('heatmaps'));
    t.graph.tap(`landmarks.stack${i}.features`, features, [1, width, side, side], (values) => planes(values, width));
    t.graph.tap(`landmarks.stack${i}.heatmaps`, heatmaps, [1, points, side, side], (values) =>
      planes(values, padded(points)).subarray(0, points * side * side),
    );
    if (i === stacks - 1) {
      const shape = { images, side, channels: padded(points), points, dtype: t.dtype };
      return t.graph.add(`${w.path} points`, heatmapPoints, shape, { x: heatmaps }, [images * points, 2]);
    }
    const merged = pointwise(t, features, stack.at('merge_features'), width, { residual: rowsOfTensor(x) });
    x = mergedHeatmaps(t, heatmaps, points, merged, stack.at('merge_heatmaps'));
  }
}

/** kernels . face / sqrt(width): [images * side * side, padded points] */
function tokenMaps(t: Target, kernels: Tensor, face: Tensor, w: Weights): Tensor {
  const { images } = t.graph;
  const width = lastOf(kernels.shape);
  const points = rowsOf(kernels.shape) / images;
  const shape = { images, cols: points, inner: width, scale: 1 / Math.sqrt(width), weights: t.dtype };
  const rows = images * paddedCols(points);
  const weight = t.graph.add(`${w.path}.token_mlp as weight`, packRows, shape, { x: kernels }, [rows, width], t.dtype);
  return product(t, `${w.path} token maps`, rowsOfTensor(face), { weight, cols: padded(points), weightEach: images > 1 });
}

/** up(x) + upsampled(low3(low2(low1(pooled x)))); the coarse branch first, because it rides on the fine one's last convolution. */
function hourglass(t: Target, x: Tensor, levels: number, w: Weights): Tensor {
  const low1 = block(t, x, w.at('low1'), { pool: true });
  const low2 = levels > 1 ? hourglass(t, low1, levels - 1, w.at('low2')) : block(t, low1, w.at('low2'));
  const coarse = block(t, low2, w.at('low3'));
  return block(t, x, w.at('up'), { coarse });
}

/** x + conv3(relu(bn3(conv2(relu(bn2(conv1(relu(bn1(x))))))))), where x is the map or its 2x2 maxima; and the upsampled coarse map where there is one. */
function block(t: Target, map: Tensor, w: Weights, { pool = false, coarse }: { pool?: boolean; coarse?: Tensor } = {}): Tensor {
  const width = lastOf(map.shape);
  const side = sideOf(t, map) / (pool ? 2 : 1);
  const half = width / 2;
  const first = { side, inner: width, cols: half, kernel: 1, preactivation: true, relu: true, pool } as const;
  const second = { side, inner: half, cols: half, kernel: 3, relu: true } as const;
  const last = { side, inner: half, cols: width, kernel: 1, residual: pool ? 'pooled' : 'same', coarse: coarse !== undefined } as const;
  const s = scaleAndShift(t.graph, w.at('bn1'), width);
  const y1 = convolution(t, map, w.at('conv1'), first, { s, bn: norm(w.at('bn2')) });
  const y2 = convolution(t, y1, w.at('conv2'), second, { bn: norm(w.at('bn3')) });
  return convolution(t, y2, w.at('conv3'), last, { r: map, c: coarse });
}

/** relu(instance_norm(conv1x1(x))): [side * side, padded points] */
function heatmapsOf(t: Target, x: Tensor, points: number, w: Weights): Tensor {
  const { images } = t.graph;
  const maps = pointwise(t, x, w, points);
  const shape = { images, pixels: rowsOf(maps.shape) / images, channels: padded(points), eps: EPS, dtype: t.dtype };
  return t.graph.add(`${w.path} normalised`, t.kernels.instanceNorm, shape, { x: maps }, maps.shape, t.dtype);
}

/** conv1x1(heat maps) + residual */
const mergedHeatmaps = (t: Target, maps: Tensor, points: number, residual: Tensor, w: Weights): Tensor =>
  pointwise(t, maps, w, lastOf(residual.shape), { inner: points, residual: rowsOfTensor(residual) });

/** [scales, shifts] of a batch norm. */
function scaleAndShift(g: Graph, w: Weights, channels: number): Parameter {
  const bn = norm(w);
  return g.parameter(`${w.path} scale and shift`, statistics(bn, channels), 2 * channels, 'f32', (into, sources) => {
    for (let i = 0; i < channels; i++) {
      const { scale, shift } = affine(bn, sources, i);
      into[i] = scale;
      into[channels + i] = shift;
    }
  });
}
