/** The encoder ResNet-101: torchvision's, its four feature maps those after each stage. */
import { DEPTHS, EPS } from '../src/model/backbones/resnet.ts';
import type { Graph, Value } from './graph.ts';
import { add, batchNorm, conv, maxPool2, relu, transpose } from './ops.ts';

/** pixels [1, 3, S, S] to the feature maps of all stages, [1, S/4, S/4, 256] and on, halved and doubled. */
export function resnet(g: Graph, pixels: Value): Value[] {
  const stem = conv(g, pixels, 'backbone.0', { out: 64, kernel: 7, stride: 2, pad: 3, bias: false });
  let x = maxPool2(g, relu(g, batchNorm(g, stem, 'backbone.1', EPS)), 3);
  return DEPTHS.map((depth, stage) => {
    for (let i = 0; i < depth; i++) x = bottleneck(g, x, `backbone.${4 + stage}.${i}`, 64 * 2 ** stage, i === 0 && stage > 0 ? 2 : 1);
    return transpose(g, x, 0, 2, 3, 1);
  });
}

function bottleneck(g: Graph, x: Value, name: string, width: number, stride: number): Value {
  const normed = (y: Value, part: string, norm: string, out: number, kernel: number, by: number) =>
    batchNorm(g, conv(g, y, `${name}.${part}`, { out, kernel, stride: by, pad: (kernel - 1) / 2, bias: false }), `${name}.${norm}`, EPS);
  const y1 = relu(g, normed(x, 'conv1', 'bn1', width, 1, 1));
  const y2 = relu(g, normed(y1, 'conv2', 'bn2', width, 3, stride));
  const y3 = normed(y2, 'conv3', 'bn3', 4 * width, 1, 1);
  const to = x.shape[1] === 4 * width ? x : normed(x, 'downsample.0', 'downsample.1', 4 * width, 1, stride);
  return relu(g, add(g, y3, to));
}
