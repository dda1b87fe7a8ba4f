/** MTCNN's three networks as lists of layers: what the GPU runs and what packs the weights read the same lists. */
import type { Size } from '../image/crop.ts';

/** A valid convolution, PReLU (unless `bare`) and a pooling of `pool` x `pool`, `step` apart. A dense layer is one whose window is the whole map. */
export interface Layer {
  /** facenet-pytorch's names; several are layers of the same input, one after the other in the output. */
  readonly weights: readonly string[];
  /** Name of the PReLU's slopes. */
  readonly slopes?: string;
  readonly window: number;
  readonly pool?: number;
  readonly step?: number;
  readonly inner: number;
  readonly outer: number;
  /** A dense layer's input is a map in the order width, height, channels. */
  readonly dense?: true;
}

/** The first network's layers before `proposals`. */
export const P: readonly Layer[] = [
  { weights: ['conv1'], slopes: 'prelu1', window: 3, pool: 2, step: 2, inner: 3, outer: 10 },
  { weights: ['conv2'], slopes: 'prelu2', window: 3, inner: 10, outer: 16 },
];

/** The convolution in `proposals`, which has the first network's two heads behind it. */
export const LAST: Layer = { weights: ['conv3'], slopes: 'prelu3', window: 3, inner: 16, outer: 32 };

export const R: readonly Layer[] = [
  { weights: ['conv1'], slopes: 'prelu1', window: 3, pool: 3, step: 2, inner: 3, outer: 28 },
  { weights: ['conv2'], slopes: 'prelu2', window: 3, pool: 3, step: 2, inner: 28, outer: 48 },
  { weights: ['conv3'], slopes: 'prelu3', window: 2, inner: 48, outer: 64 },
  { weights: ['dense4'], slopes: 'prelu4', window: 3, inner: 64, outer: 128, dense: true },
  { weights: ['dense5_1', 'dense5_2'], window: 1, inner: 128, outer: 6, dense: true },
];

export const O: readonly Layer[] = [
  { weights: ['conv1'], slopes: 'prelu1', window: 3, pool: 3, step: 2, inner: 3, outer: 32 },
  { weights: ['conv2'], slopes: 'prelu2', window: 3, pool: 3, step: 2, inner: 32, outer: 64 },
  { weights: ['conv3'], slopes: 'prelu3', window: 3, pool: 2, step: 2, inner: 64, outer: 64 },
  { weights: ['conv4'], slopes: 'prelu4', window: 2, inner: 64, outer: 128 },
  { weights: ['dense5'], slopes: 'prelu5', window: 3, inner: 128, outer: 256, dense: true },
  { weights: ['dense6_1', 'dense6_2', 'dense6_3'], window: 1, inner: 256, outer: 16, dense: true },
];

/** Sides of the parts of a level that P sees, and of the crops that R and O see. */
export const P_SIDE = 12;
export const R_SIDE = 24;
export const O_SIDE = 48;

/** The size of a layer's output: the last window of a pooling may hang over the edge. */
export function sizeAfter({ window, pool = 1, step = 1 }: Layer, { width, height }: Size): Size {
  const after = (side: number): number => {
    const convolved = side - window + 1;
    const pooled = Math.ceil((convolved - pool) / step) + 1;
    return (pooled - 1) * step >= convolved ? pooled - 1 : pooled;
  };
  return { width: after(width), height: after(height) };
}
