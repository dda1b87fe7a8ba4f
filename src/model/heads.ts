/** The prediction heads (paper section 3.3): a three-layer MLP on each task's tokens, the parsing map, and the landmarks' hourglass. */
import type { Tensor } from '../graph/graph.ts';
import { argmax } from '../kernels/argmax.ts';
import { l2Normalise } from '../kernels/l2Normalise.ts';
import { mlpHead, packMlp } from '../kernels/mlpHead.ts';
import { parsing } from '../kernels/parsing.ts';
import type { Config, TaskTokens } from './config.ts';
import type { Decoded } from './decoder.ts';
import { landmarksHourglass } from './hourglass.ts';
import { norm, reshape, rowsOf, type Target, upscale2x2 } from './layers.ts';
import type { Weights } from './weights.ts';

/** LayerNorm2d's of the official code, unlike the transformer's. */
const UPSCALING_EPS = 1e-6;

/** Adds every task's raw outputs to the graph, named as the task; and `mask`, the parsing map's argmax. */
export function heads(t: Target, { tokens, face }: Decoded, config: Config, w: Weights): void {
  for (const task of config.tasks) {
    const made = head(t, tokens, task, w.at(task.head));
    if (task.task === 'segmentation') parse(t, face, made, w.at('output_upscaling'));
    else t.graph.output(task.task, outputOf(t, task, made, face, config, w));
  }
}

/** A task's raw output from what its MLP made, [count, out]; the batch dimension is PyTorch's. */
function outputOf(t: Target, { task, count, out }: TaskTokens, made: Tensor, face: Tensor, { hourglass }: Config, w: Weights): Tensor {
  if (task === 'landmarks' && hourglass) return landmarksHourglass(t, made, face, hourglass, w.at('landmarks_hourglass'));
  if (task === 'recognition') return t.graph.add(task, l2Normalise, { length: out }, { x: made }, [1, out]);
  return reshape(made, task === 'headpose' && count === 9 ? [1, 3, 3] : [1, out]);
}

/** The MLP 256-256-256-out on a task's tokens: [count, out] */
function head({ graph }: Target, tokens: Tensor, { first, count, out }: TaskTokens, w: Weights): Tensor {
  const layers = [0, 1, 2].map((i) => w.at('layers').at(i));
  const from = layers.flatMap((layer) => [layer.name('weight'), layer.name('bias')]);
  const length = 2 * (256 * 256 + 256) + out * 256 + out;
  const weights = graph.parameter(`${w.path} packed`, from, length, (into, sources) =>
    into.set(packMlp([0, 2, 4].map((i) => ({ weight: sources[i] as Float32Array, bias: sources[i + 1] as Float32Array })))),
  );
  return graph.add(w.path, mlpHead, { first, tokens: count, out }, { x: tokens, w: weights }, [count, out]);
}

/** Upscales the face tokens to 224x224 in nested 2x2 order and multiplies them with the classes' kernels [classes, 32]. */
function parse(t: Target, face: Tensor, kernels: Tensor, w: Weights): void {
  const pixels = rowsOf(face.shape);
  const side = Math.sqrt(pixels);
  const classes = kernels.shape[0] as number;
  const twice = norm(t, reshape(upscale2x2(t, face, w.at(0), 64), [4 * pixels, 64]), w.at(1), { eps: UPSCALING_EPS, gelu: true });
  const upscaled = reshape(upscale2x2(t, twice, w.at(3), 32, 'gelu'), [16 * pixels, 32]);
  t.graph.tap('upscaled', upscaled, [1, 32, 4 * side, 4 * side], (values) => unnested(values, side, 32));
  const logits = t.graph.add('segmentation', parsing, { side, classes }, { x: upscaled, h: kernels }, [1, classes, 4 * side, 4 * side]);
  t.graph.output('segmentation', logits);
  t.graph.output('mask', t.graph.add('mask', argmax, { pixels: 16 * pixels, classes }, { x: logits }, [4 * pixels]));
}

/** Rows in nested 2x2 order to planes of plain pixels. */
function unnested(values: Float32Array, side: number, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  const wide = 4 * side;
  for (let y = 0; y < wide; y++)
    for (let x = 0; x < wide; x++) {
      const outer = ((y >> 1) & 1) * 2 + ((x >> 1) & 1);
      const row = (((y >> 2) * side + (x >> 2)) * 4 + outer) * 4 + (y & 1) * 2 + (x & 1);
      for (let c = 0; c < channels; c++) out[(c * wide + y) * wide + x] = values[row * channels + c] as number;
    }
  return out;
}
