/** MobileNetV3-Large as torchvision builds it (models/mobilenetv3.py), channels last; module paths are the checkpoint's. */
import type { Parameter, Tensor } from '../../graph/graph.ts';
import { packDepthwise } from '../../kernels/depthwise.ts';
import { excite } from '../../kernels/excite.ts';
import { paddedCols, transposed } from '../../kernels/matmul/role.ts';
import { SQUEEZED, squeeze } from '../../kernels/squeeze.ts';
import { type BatchNorm, foldedBias, foldedWeight, scaledWeight, statistics } from '../batch-norm.ts';
import { joined, lastOf, padded, product, rowsOf, rowsOfTensor, sideOf } from '../layers.ts';
import { stemmed } from '../stem.ts';
import { tapMap } from '../streams.ts';
import type { Stream, Target } from '../target.ts';
import type { Weights } from '../weights.ts';
import type { Backbone } from './backbone.ts';

type Activation = 'relu' | 'hardSwish';

/** An inverted residual: its depthwise convolution's kernel, the channels it is expanded to and projected to, squeeze and excitation or not. */
export interface Block {
  readonly kernel: 3 | 5;
  readonly expanded: number;
  readonly cols: number;
  readonly squeezed: boolean;
  readonly activation: Activation;
  readonly stride: 1 | 2;
}

const block = (kernel: 3 | 5, expanded: number, cols: number, squeezed: boolean, activation: Activation, stride: 1 | 2): Block => {
  return { kernel, expanded, cols, squeezed, activation, stride };
};

/** The modules 1 to 15, as the paper's table 1 (arXiv 1905.02244) has them. */
export const BLOCKS: readonly Block[] = [
  block(3, 16, 16, false, 'relu', 1),
  block(3, 64, 24, false, 'relu', 2),
  block(3, 72, 24, false, 'relu', 1),
  block(5, 72, 40, true, 'relu', 2),
  block(5, 120, 40, true, 'relu', 1),
  block(5, 120, 40, true, 'relu', 1),
  block(3, 240, 80, false, 'hardSwish', 2),
  block(3, 200, 80, false, 'hardSwish', 1),
  block(3, 184, 80, false, 'hardSwish', 1),
  block(3, 184, 80, false, 'hardSwish', 1),
  block(3, 480, 112, true, 'hardSwish', 1),
  block(3, 672, 112, true, 'hardSwish', 1),
  block(5, 672, 160, true, 'hardSwish', 2),
  block(5, 960, 160, true, 'hardSwish', 1),
  block(5, 960, 160, true, 'hardSwish', 1),
];
export const STEM_CHANNELS = 16;
export const LAST_CHANNELS = 960;
/** After which modules a map is taken: the last of each side from 56 to 7 for a picture of 224. */
export const TAKEN = [3, 6, 12, 16];

export const EPS = 1e-3;

const norm = (w: Weights): BatchNorm => ({ w, eps: EPS });

/** MobileNetV3-Large. Its maps have 24, 40, 112 and 960 channels, in rows padded with zeros to a multiple of 16. */
export const mobilenet: Backbone = {
  name: 'mobilenet_v3_large',
  recognises: (tensors) => tensors.has('backbone.1.block.0.0.weight'),
  build(t, resized, w) {
    const maps: Stream[] = [];
    let x: Stream = stemmed(t, resized, w.at(0).at(0), norm(w.at(0).at(1)), {
      channels: STEM_CHANNELS,
      kernel: 3,
      activation: 'hardSwish',
    });
    for (let i = 1; i <= BLOCKS.length + 1; i++) {
      const one = BLOCKS[i - 1];
      x = one ? residual(t, x, w.at(i).at('block'), one) : convolved(t, x, w.at(i), LAST_CHANNELS, 'hardSwish');
      if (!TAKEN.includes(i)) continue;
      maps.push(x);
      tapMap(t, `stage${maps.length}`, x);
    }
    return maps;
  },
};

/** project(squeeze and excitation(depthwise(expand(x)))), and x where it has the shape. */
function residual(t: Target, x: Stream, w: Weights, { kernel, expanded, cols, squeezed, activation, stride }: Block): Stream {
  let i = 0; // of the modules, of which some blocks lack some
  const wide = expanded === x.channels ? x : convolved(t, x, w.at(i++), expanded, activation);
  const mixed = depthwiseConvolved(t, wide, w.at(i++), { kernel, stride, activation });
  const se = squeezed ? w.at(i++) : undefined;
  const project = w.at(i);
  const to = stride === 1 && cols === x.channels ? x : undefined;
  return convolved(t, mixed, project, cols, 'none', { to, se });
}

/** act(bn(conv1x1(x))) + to; where it is squeezed first, the factors of x's channels are in the weight, each image's own. */
function convolved(
  t: Target,
  x: Stream,
  w: Weights,
  channels: number,
  activation: Activation | 'none',
  { to, se }: { to?: Stream | undefined; se?: Weights | undefined } = {},
): Stream {
  const bn = norm(w.at(1));
  const cols = padded(channels);
  const own = foldedWeight(t, w.at(0), { cols: channels, inner: x.channels, kernel: 1 }, bn);
  const weight = se ? excited(t, x, se, own, channels) : own;
  const layer = {
    weight,
    bias: foldedBias(t.graph, w.at(0), channels, bn, false),
    cols,
    activation,
    residual: to && rowsOfTensor(to.tensor),
    weightEach: se !== undefined && t.graph.images > 1,
  };
  return { tensor: product(t, w.path, rowsOfTensor(x.tensor), layer), channels };
}

/** act(bn(conv(x))), each channel by itself. */
function depthwiseConvolved(t: Target, x: Stream, w: Weights, layer: Pick<Block, 'kernel' | 'stride' | 'activation'>): Stream {
  const { graph, dtype } = t;
  const { channels } = x;
  const [conv, bn] = [w.at(0), norm(w.at(1))];
  const { kernel, stride } = layer;
  const [taps, row, side] = [kernel * kernel, padded(channels), sideOf(t, x.tensor) / stride];
  const own = conv.get('weight', [channels, 1, kernel, kernel]);
  const from = [own, ...statistics(bn, channels)] as const;
  const weight = graph.parameter(`${own} x ${bn.w.path} packed`, from, taps * row, dtype, (into, [source, ...sources]) =>
    packDepthwise(scaledWeight(source, bn, sources, channels), taps, row, into),
  );
  const b = foldedBias(graph, conv, channels, bn, false);
  const dtypes = { input: dtype, weight: dtype, output: dtype };
  const shape = { images: graph.images, side, channels: row, dtypes, ...layer };
  const tensor = graph.add(w.path, t.kernels.depthwise, shape, { x: x.tensor, w: weight, b }, [graph.images * side * side, row], dtype);
  return { tensor, channels };
}

/** As torchvision rounds them: an eighth's multiple, a tenth below a quarter of the channels at most. */
export function hiddenOf(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels / 4 + 4) / 8) * 8);
  return rounded < (0.9 * channels) / 4 ? rounded + 8 : rounded;
}

/** A product's weight with the factors that squeeze and excitation gives x's channels: an image after the other. */
function excited(t: Target, { tensor: x, channels: own }: Stream, w: Weights, weight: Parameter, cols: number): Tensor {
  const { graph, dtype } = t;
  const { images } = graph;
  const channels = lastOf(x.shape);
  const hidden = hiddenOf(own);
  const [fc1, fc2] = [w.at('fc1'), w.at('fc2')];
  const [first, second] = [fc1.get('weight', [hidden, own, 1, 1]), fc2.get('weight', [own, hidden, 1, 1])];
  const length = channels * hidden;
  const w1 = graph.parameter(`${first} transposed`, [first], length, dtype, (into, [source]) => transposed(source, hidden, into));
  const w2 = graph.parameter(`${second} transposed`, [second], length, dtype, (into, [source]) =>
    transposed(source, own, into, { stride: channels }),
  );
  const biases = [fc1.get('bias', [hidden]), fc2.get('bias', [own])];
  const n = graph.parameter(`${w.path} biases`, biases, hidden + channels, 'f32', (into, both) => joined(both, into));
  const pixels = rowsOf(x.shape) / images;
  const shares = [images, channels / SQUEEZED, hidden];
  const h = graph.add(`${w.path} squeeze`, squeeze, { images, pixels, channels, hidden, dtype }, { x, w: w1 }, shares);
  const shape = { images, channels, hidden, cols, dtype };
  return graph.add(`${w.path} excite`, excite, shape, { h, w: w2, n, p: weight }, [images * paddedCols(cols), channels], dtype);
}
