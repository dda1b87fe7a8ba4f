/** The encoder MobileNetV3-Large: torchvision's features, its four feature maps the last of each side. */
import { BLOCKS, type Block, EPS, hiddenOf, LAST_CHANNELS, STEM_CHANNELS, TAKEN } from '../src/model/backbones/mobilenet.ts';
import type { Graph, Value } from './graph.ts';
import { add, batchNorm, conv, globalMean, hardSigmoid, hardSwish, mul, relu, transpose } from './ops.ts';

interface Layer {
  readonly out: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly depthwise?: boolean;
}

const ACTIVATIONS = { relu, hardSwish };

/** pixels [1, 3, S, S] to four feature maps, [1, S/4, S/4, 24] and on, each half as large. */
export function mobilenet(g: Graph, pixels: Value): Value[] {
  let x = hardSwish(g, normed(g, pixels, 'backbone.0', { out: STEM_CHANNELS, kernel: 3, stride: 2 }));
  const maps: Value[] = [];
  for (let i = 1; i <= BLOCKS.length + 1; i++) {
    const block = BLOCKS[i - 1];
    x = block ? residual(g, x, `backbone.${i}.block`, block) : hardSwish(g, normed(g, x, `backbone.${i}`, { out: LAST_CHANNELS }));
    if (TAKEN.includes(i)) maps.push(transpose(g, x, 0, 2, 3, 1));
  }
  return maps;
}

/** A convolution and its batch norm, which are modules 0 and 1. */
function normed(g: Graph, x: Value, name: string, { kernel = 1, ...layer }: Layer): Value {
  return batchNorm(g, conv(g, x, `${name}.0`, { ...layer, kernel, pad: (kernel - 1) / 2, bias: false }), `${name}.1`, EPS);
}

function residual(g: Graph, x: Value, name: string, { kernel, expanded, cols, squeezed, activation, stride }: Block): Value {
  const act = ACTIVATIONS[activation];
  const channels = x.shape[1] as number;
  let i = 0; // of the modules, of which some blocks lack some
  let y = expanded === channels ? x : act(g, normed(g, x, `${name}.${i++}`, { out: expanded }));
  y = act(g, normed(g, y, `${name}.${i++}`, { out: expanded, kernel, stride, depthwise: true }));
  if (squeezed) {
    const se = `${name}.${i++}`;
    const hidden = relu(g, conv(g, globalMean(g, y), `${se}.fc1`, { out: hiddenOf(expanded), kernel: 1 }));
    y = mul(g, y, hardSigmoid(g, conv(g, hidden, `${se}.fc2`, { out: expanded, kernel: 1 })));
  }
  y = normed(g, y, `${name}.${i}`, { out: cols });
  return stride === 1 && cols === channels ? add(g, x, y) : y;
}
