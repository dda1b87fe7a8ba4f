/** The encoder ConvNeXt-B: torchvision's, its four feature maps as raw residual streams. */
import { EMBED_CHANNELS } from '../src/kernels/embed.ts';
import { DEPTHS, EPS, KERNEL } from '../src/model/backbones/convnext.ts';
import type { Graph, Value } from './graph.ts';
import { add, conv, gelu, layerNorm, linear, mul, reshape, transpose } from './ops.ts';

/** pixels [1, 3, S, S] to the feature maps of all stages, [1, S/4, S/4, 128] and on, halved and doubled. */
export function convnext(g: Graph, pixels: Value): Value[] {
  let x = conv(g, pixels, 'backbone.0.0.0', { out: EMBED_CHANNELS, kernel: 4, stride: 4 });
  x = layerNorm(g, transpose(g, x, 0, 2, 3, 1), 'backbone.0.0.1', EPS);
  return DEPTHS.map((depth, stage) => {
    if (stage > 0) x = halved(g, x, `backbone.0.${2 * stage}`);
    for (let i = 0; i < depth; i++) x = block(g, x, `backbone.0.${2 * stage + 1}.${i}`);
    return x;
  });
}

function block(g: Graph, x: Value, name: string): Value {
  const channels = x.shape[3] as number;
  const mixed = conv(g, transpose(g, x, 0, 3, 1, 2), `${name}.block.0`, {
    out: channels,
    kernel: KERNEL,
    pad: (KERNEL - 1) / 2,
    depthwise: true,
  });
  const normed = layerNorm(g, transpose(g, mixed, 0, 2, 3, 1), `${name}.block.2`, EPS);
  const hidden = gelu(g, linear(g, normed, `${name}.block.3`, 4 * channels));
  const scale = reshape(g, g.weight(`${name}.layer_scale`, [channels, 1, 1]), [channels]);
  return add(g, x, mul(g, linear(g, hidden, `${name}.block.5`, channels), scale));
}

/** Norm, and a 2x2 convolution of stride 2 to twice the channels. */
function halved(g: Graph, x: Value, name: string): Value {
  const normed = transpose(g, layerNorm(g, x, `${name}.0`, EPS), 0, 3, 1, 2);
  return transpose(g, conv(g, normed, `${name}.1`, { out: 2 * (x.shape[3] as number), kernel: 2, stride: 2 }), 0, 2, 3, 1);
}
