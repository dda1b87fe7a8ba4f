/** ResNet-101 as torchvision builds it (models/resnet.py), channels last; module paths are the checkpoint's. */
import type { Tensor } from '../../graph/graph.ts';
import { maxPool } from '../../kernels/maxPool.ts';
import { type BatchNorm, convolution, pointwise } from '../batch-norm.ts';
import { lastOf, rowsOf, rowsOfTensor, sideOf } from '../layers.ts';
import { stemmed } from '../stem.ts';
import { tapMap } from '../streams.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';
import type { Backbone } from './backbone.ts';

/** Blocks of each stage, which are the modules 4 to 7; stage s has 256 * 2^s channels, a quarter of them inside of a block. */
export const DEPTHS = [3, 4, 23, 3];

export const EPS = 1e-5;

const norm = (w: Weights): BatchNorm => ({ w, eps: EPS });

/** What each convolution but the first has around it: the batch norm, and no bias. */
const around = (w: Weights) => ({ bn: norm(w), hasOwn: false });

/** ResNet-101. Its maps are those after each stage: of 256, 512, 1024 and 2048 channels. */
export const resnet: Backbone = {
  name: 'resnet101',
  recognises: (tensors) => tensors.has('backbone.4.0.conv1.weight'),
  build(t, resized, w) {
    let x = pooled(t, stemmed(t, resized, w.at(0), norm(w.at(1)), { channels: 64, kernel: 7, activation: 'relu' }));
    return DEPTHS.map((depth, stage) => {
      for (let i = 0; i < depth; i++) x = bottleneck(t, x, w.at(4 + stage).at(i), 64 * 2 ** stage, i === 0 && stage > 0 ? 2 : 1);
      const map = { tensor: x, channels: lastOf(x.shape) };
      tapMap(t, `stage${stage + 1}`, map);
      return map;
    });
  },
};

function pooled({ graph, dtype }: Target, { tensor, channels }: Stream): Tensor {
  const rows = rowsOf(tensor.shape) / 4;
  const { images } = graph;
  const shape = { images, side: Math.sqrt(rows / images), channels, dtype };
  return graph.add('backbone.3', maxPool, shape, { x: tensor }, [rows, channels], dtype);
}

/** relu(conv3(relu(conv2(relu(conv1(x))))) + x), each convolution with its batch norm; conv2 has the stride, and x is projected where its shape changes. */
function bottleneck(t: Target, x: Tensor, w: Weights, width: number, stride: 1 | 2): Tensor {
  const cols = 4 * width;
  const inner = lastOf(x.shape);
  const side = sideOf(t, x) / stride;
  const y1 = pointwise(t, x, w.at('conv1'), width, { ...around(w.at('bn1')), activation: 'relu' });
  const y2 = convolution(t, y1, w.at('conv2'), { side, inner: width, cols: width, kernel: 3, stride, relu: true }, around(w.at('bn2')));
  const [conv, bn] = [w.at('downsample').at(0), around(w.at('downsample').at(1))];
  const strided = () => convolution(t, x, conv, { side, inner, cols, kernel: 1, stride }, bn);
  const to = inner === cols ? x : stride === 2 ? strided() : pointwise(t, x, conv, cols, bn);
  return pointwise(t, y2, w.at('conv3'), cols, { ...around(w.at('bn3')), activation: 'reluLast', residual: rowsOfTensor(to) });
}
