/** The plain lowering: a dispatch for every step, as PyTorch takes them, and for every kernel of a CPU's set. */

import type { Operand, Tensor } from '../../graph/graph.ts';
import { SIZE } from '../../image/resize.ts';
import type { PlainKernels } from '../../kernels/cpu.ts';
import { transposed } from '../../kernels/matmul/role.ts';
import { patchEmbed } from '../../kernels/patchEmbed.ts';
import { patchMerge } from '../../kernels/patchMerge.ts';
import { sideOf } from '../backbones/swin.ts';
import { lastOf, linear, pixelsOf, rowsOfStream, rowsOfTensor, stored } from '../layers.ts';
import type { Lowering, Stream, Target } from '../lowering.ts';
import type { Weights } from '../weights.ts';
import { decode } from './decoder.ts';
import { heads } from './heads.ts';
import { norm, type PlainTarget } from './norm.ts';

/** For one image at a time, in float32. */
export function plain(kernels: PlainKernels): Lowering {
  const on = ({ graph, dtype }: Target): PlainTarget => {
    if (graph.images !== 1 || dtype !== 'f32') throw new RangeError('the plain lowering is for one image, in float32');
    return { graph, dtype, kernels };
  };
  return {
    kernels,
    mostImages: 1,
    float16: false,
    embed: (t, _, w) => embed(on(t), pixelsOf(t.graph), w),
    normedLinear: (t, x, normed, w, { cols, activation }) =>
      linear(t, rowsOfTensor(norm(on(t), x.tensor, normed)), w, cols, { ...(activation && { activation }) }),
    addedLinear: (t, x, w, to) => streamOf(linear(t, rowsOfTensor(x), w, to.channels, { residual: rowsOfStream(to) })),
    mergePatches: (t, x, w) => mergePatches(on(t), x, w),
    decode: (t, ...rest) => decode(on(t), ...rest),
    heads: (t, ...rest) => heads(on(t), ...rest),
  };
}

const streamOf = (tensor: Tensor): Stream => ({ tensor, channels: lastOf(tensor.shape) });

function embed(t: PlainTarget, pixels: Tensor, w: Weights): Stream {
  const channels = 128;
  const conv = w.at(0);
  const weight = t.graph.parameter(`${conv.name('weight')} packed`, [conv.name('weight')], 48 * channels, (into, [source]) =>
    transposed(source as Float32Array, channels, into),
  );
  const inputs: Record<string, Operand> = { x: pixels, w: weight, b: stored(t.graph, channels, conv.name('bias')) };
  const x = t.graph.add(conv.path, patchEmbed, { size: SIZE, channels }, inputs, [(SIZE / 4) ** 2, channels]);
  return streamOf(norm(t, x, w.at(2)));
}

function mergePatches(t: PlainTarget, { tensor, channels }: Stream, w: Weights): Stream {
  const side = sideOf(t, tensor);
  const gathered = t.graph.add(w.path, patchMerge, { side, channels }, { x: tensor }, [(side / 2) ** 2, 4 * channels]);
  const normed = rowsOfTensor(norm(t, gathered, w.at('norm')));
  return streamOf(linear(t, normed, w.at('reduction'), 2 * channels, { bias: false }));
}
