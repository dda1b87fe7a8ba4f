/** The norm as a dispatch of its own, and what it is added to. */
import type { Tensor } from '../../graph/graph.ts';
import type { PlainKernels } from '../../kernels/cpu.ts';
import { lastOf, rowsOf, SWIN_EPS, stored } from '../layers.ts';
import type { Target } from '../lowering.ts';
import type { Weights } from '../weights.ts';

export interface PlainTarget extends Target {
  readonly kernels: PlainKernels;
}

/** torch.nn.LayerNorm over the last dimension, or LayerNorm2d of channels-last rows; GELU after it where asked. */
export function norm(t: PlainTarget, x: Tensor, w: Weights, { eps = SWIN_EPS, gelu = false } = {}): Tensor {
  const channels = lastOf(x.shape);
  const g = stored(t.graph, channels, w.name('weight'));
  const b = stored(t.graph, channels, w.name('bias'));
  return t.graph.add(w.path, t.kernels.layerNorm, { rows: rowsOf(x.shape), channels, eps, gelu }, { x, g, b }, x.shape);
}
