/** ConvNeXt-B as torchvision builds it (models/convnext.py), channels last; module paths are the checkpoint's. */
import { packDepthwise } from '../../kernels/depthwise.ts';
import { layerNorm } from '../../kernels/layerNorm.ts';
import { packWeight, paddedCols } from '../../kernels/matmul/role.ts';
import { lastOf, product, rowsOf, rowsOfTensor, sideOf, stored } from '../layers.ts';
import { addedLinear, embedded, normedLinear, tapMap } from '../streams.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';
import type { Backbone } from './backbone.ts';

/** Blocks of each stage; stage s has 128 * 2^s channels. */
export const DEPTHS = [3, 3, 27, 3];
export const EPS = 1e-6;
export const KERNEL = 7;

/** ConvNeXt-B. Its maps are the raw residual streams after each stage: of 128, 256, 512 and 1024 channels. */
export const convnext: Backbone = {
  name: 'convnext_b',
  recognises: (tensors) => tensors.has('backbone.0.1.0.layer_scale'),
  build(t, resized, backbone) {
    const w = backbone.at(0);
    const maps: Stream[] = [];
    let x = embedded(t, resized, w.at(0), { norm: 1, eps: EPS });
    for (const [stage, depth] of DEPTHS.entries()) {
      if (stage > 0) x = halved(t, x, w.at(2 * stage));
      for (let i = 0; i < depth; i++) x = block(t, x, w.at(2 * stage + 1).at(i));
      tapMap(t, `stage${stage + 1}`, x);
      maps.push(x);
    }
    return maps;
  },
};

/** x + scale mlp(norm(depthwise(x))): three dispatches. */
function block(t: Target, x: Stream, w: Weights): Stream {
  const { channels } = x;
  const layers = w.at('block');
  const mixed = depthwiseStream(t, x, layers.at(0));
  const hidden = normedLinear(t, mixed, layers.at(2), layers.at(3), EPS);
  return addedLinear(t, hidden, layers.at(5), x, w.get('layer_scale', [channels, 1, 1]));
}

function depthwiseStream(t: Target, { tensor, channels }: Stream, w: Weights): Stream {
  const { graph, dtype } = t;
  const taps = KERNEL * KERNEL;
  const name = w.get('weight', [channels, 1, KERNEL, KERNEL]);
  const weight = graph.parameter(`${name} packed`, [name], taps * channels, dtype, (into, [source]) =>
    packDepthwise(source, taps, channels, into),
  );
  const shape = {
    images: graph.images,
    side: sideOf(t, tensor),
    channels,
    kernel: KERNEL,
    rowOfX: lastOf(tensor.shape),
    stream: true,
    dtypes: { weight: dtype },
  } as const;
  const bias = stored(graph, channels, w.get('bias', [channels]));
  return { tensor: graph.add(w.path, t.kernels.depthwise, shape, { x: tensor, w: weight, b: bias }, tensor.shape), channels };
}

/** Norm, and a 2x2 convolution of stride 2 to twice the channels. */
function halved(t: Target, x: Stream, w: Weights): Stream {
  const { graph, dtype } = t;
  const [norm, conv] = [w.at(0), w.at(1)];
  const [inner, cols, rows] = [x.channels, 2 * x.channels, rowsOf(x.tensor.shape)];
  const n = stored(graph, 2 * inner, norm.get('weight', [inner]), norm.get('bias', [inner]));
  const normed = graph.add(norm.path, layerNorm, { rows, inner, eps: EPS, dtype }, { x: x.tensor, n }, [rows, inner], dtype);
  const name = conv.get('weight', [cols, inner, 2, 2]);
  const weight = graph.parameter(`${name} packed`, [name], paddedCols(cols) * 4 * inner, dtype, (into, [source]) =>
    packWeight(neighbours(source, cols, inner), cols, 4 * inner, into),
  );
  const bias = stored(graph, cols, conv.get('bias', [cols]));
  const layer = { weight, bias, cols, mergeSide: sideOf(t, normed), rows: rows / 4, stream: true, dtype: 'f32' } as const;
  return { tensor: product(t, conv.path, rowsOfTensor(normed), layer), channels: cols };
}

/** A 2x2 convolution's weight [cols, inner, 2, 2] as one of rows of neighbours, which products gather column by column: [cols, 4, inner]. */
function neighbours(weight: Float32Array, cols: number, inner: number): Float32Array {
  const rows = new Float32Array(weight.length);
  for (let i = 0; i < cols * inner; i++) {
    const [n, k] = [Math.floor(i / inner), i % inner];
    for (let y = 0; y < 2; y++) for (let x = 0; x < 2; x++) rows[(n * 4 + 2 * x + y) * inner + k] = weight[4 * i + 2 * y + x] as number;
  }
  return rows;
}
