/** ResNet-101 as torchvision builds it (models/resnet.py), channels last; module paths are the checkpoint's. */
import { maxPool } from '../../kernels/maxPool.ts';
import { type BatchNorm, foldedBias, foldedWeight, pointwise } from '../batch-norm.ts';
import { convolution, type Product, rowsOf, rowsOfTensor, sideOf } from '../layers.ts';
import { stemmed } from '../stem.ts';
import { tapMap } from '../streams.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';
import type { Backbone } from './backbone.ts';

/** Blocks of each stage, which are the modules 4 to 7; stage s has 256 * 2^s channels, a quarter of them inside of a block. */
export const DEPTHS = [3, 4, 23, 3];

export const EPS = 1e-5;

const norm = (w: Weights): BatchNorm => ({ w, eps: EPS });

/** ResNet-101. Its maps are those after each stage: of 256, 512, 1024 and 2048 channels. */
export const resnet: Backbone = {
  name: 'resnet101',
  recognises: (tensors) => tensors.has('backbone.4.0.conv1.weight'),
  build(t, resized, w) {
    let x = pooled(t, stemmed(t, resized, w.at(0), norm(w.at(1)), { channels: 64, kernel: 7, activation: 'relu' }));
    return DEPTHS.map((depth, stage) => {
      for (let i = 0; i < depth; i++) x = bottleneck(t, x, w.at(4 + stage).at(i), 64 * 2 ** stage, i === 0 && stage > 0 ? 2 : 1);
      tapMap(t, `stage${stage + 1}`, x);
      return x;
    });
  },
};

function pooled({ graph, dtype }: Target, { tensor, channels }: Stream): Stream {
  const rows = rowsOf(tensor.shape) / 4;
  const { images } = graph;
  const shape = { images, side: Math.sqrt(rows / images), channels, dtype };
  return { tensor: graph.add('backbone.3', maxPool, shape, { x: tensor }, [rows, channels], dtype), channels };
}

/** relu(conv3(relu(conv2(relu(conv1(x))))) + x), each convolution with its batch norm; conv2 has the stride, and x is projected where its shape changes. */
function bottleneck(t: Target, x: Stream, w: Weights, width: number, stride: 1 | 2): Stream {
  const channels = 4 * width;
  const convolved = (x: Stream, w: Weights, bn: Weights, cols: number, layer?: Pick<Product, 'activation' | 'residual'>) =>
    pointwise(t, x, w, cols, { bn: norm(bn), hasOwn: false, ...layer });
  const y1 = convolved(x, w.at('conv1'), w.at('bn1'), width, { activation: 'relu' });
  const y2 = strided(t, y1, w.at('conv2'), w.at('bn2'), { cols: width, kernel: 3, stride, relu: true });
  const project = w.at('downsample');
  const layer = { cols: channels, kernel: 1, stride } as const;
  const to =
    x.channels === channels
      ? x
      : stride === 2
        ? strided(t, x, project.at(0), project.at(1), layer)
        : convolved(x, project.at(0), project.at(1), channels);
  return convolved(y2, w.at('conv3'), w.at('bn3'), channels, { activation: 'reluLast', residual: rowsOfTensor(to.tensor) });
}

/** act(bn(conv(x))), of 3x3 or of a stride */
function strided(
  t: Target,
  x: Stream,
  w: Weights,
  bn: Weights,
  layer: { cols: number; kernel: 1 | 3; stride: 1 | 2; relu?: boolean },
): Stream {
  const shape = { ...layer, inner: x.channels, side: sideOf(t, x.tensor) / layer.stride };
  const weight = foldedWeight(t, w, shape, norm(bn));
  const b = foldedBias(t.graph, w, layer.cols, norm(bn), false);
  return { tensor: convolution(t, w.path, x.tensor, shape, { w: weight, b }), channels: layer.cols };
}
