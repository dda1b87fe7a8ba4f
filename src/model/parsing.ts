/** The parsing map (paper section 3.3): the face tokens upscaled to four times the side, times each class's kernel. */
import { part, type Tensor } from '../graph/graph.ts';
import { packTransposed, paddedCols } from '../kernels/matmul/role.ts';
import { packUpscale } from '../kernels/parse.ts';
import type { Made } from './heads.ts';
import { lastOf, product, rowsOf, rowsOfTensor, sideOf, stored } from './layers.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

/** The official code's LayerNorm2d has another epsilon than the transformer. */
const EPS = 1e-6;

/** Logits [images, classes, 4 side, 4 side]; and another output of the graph, `mask`: each pixel's likeliest class, a byte. */
export function parsingMap(t: Target, { head, numbers: kernels, face, w }: Made): Tensor {
  const { graph, dtype } = t;
  const { images } = graph;
  const side = sideOf(t, face);
  const classes = head.count;
  const upscaling = w.at('output_upscaling');
  const [norm, second] = [upscaling.at(1), upscaling.at(3)];
  const twice = upscaled(t, face, upscaling.at(0), 64);
  const n = stored(graph, 160, norm.get('weight', [64]), norm.get('bias', [64]), second.get('bias', [32]));
  const name = second.get('weight', [64, 32, 2, 2]);
  const weight = graph.parameter(`${name} by quarters`, [name], 64 * 128, dtype, (into, [source]) => packUpscale(source, into));
  const inputs = { x: twice, n, w: weight, h: kernels };
  const shape = { side, classes, images, eps: EPS, dtype };
  const pixels = 16 * side * side;
  graph.output('mask', graph.add('mask', t.kernels.parse, shape, inputs, [(images * pixels) / 4]), [pixels / 4]);
  return graph.add(head.task, t.kernels.parse, { ...shape, logits: true }, inputs, [images, classes, 4 * side, 4 * side]);
}

/**
 * torch.nn.ConvTranspose2d with a 2x2 kernel of stride 2, as one matrix product: each row (a pixel) becomes four rows, its 2x2
 * pixels in the order (0,0), (0,1), (1,0), (1,1). [pixels, inner] -> [4 pixels, channels]
 */
function upscaled(t: Target, x: Tensor, w: Weights, channels: number): Tensor {
  const { graph } = t;
  const inner = lastOf(x.shape);
  const cols = 4 * channels;
  const [weightName, biasName] = [w.get('weight', [inner, channels, 2, 2]), w.get('bias', [channels])];
  const weight = graph.parameter(`${weightName} transposed`, [weightName], paddedCols(cols) * inner, t.dtype, (into, [source]) =>
    packTransposed(source, inner, channels, into),
  );
  const bias = graph.parameter(`${biasName} four times`, [biasName], cols, 'f32', (into, [source]) => {
    for (let i = 0; i < 4; i++) into.set(source, i * channels);
  });
  return part(product(t, w.path, rowsOfTensor(x), { weight, bias, cols }), 0, [4 * rowsOf(x.shape), channels]);
}
