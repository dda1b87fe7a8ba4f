import { inRows, kept, relu, sum } from './answer.ts';
import wgsl from './excite.wgsl';
import { type Dtype, defineKernel, type Images } from './kernel.ts';
import { paddedCols, TILE_COLS } from './matmul/role.ts';
import finite from './parts/finite.wgsl';
import { SQUEEZED } from './squeeze.ts';

export interface ExciteShape extends Images {
  /** How many channels a map has, a multiple of 16: what the product sums over. */
  channels: number;
  /** Outputs of the first layer, 256 at most. */
  hidden: number;
  /** The product's outputs. */
  cols: number;
  /** How w, p and y are stored; float32 by default. */
  dtype?: Dtype;
}

export const excite = defineKernel(
  'excite',
  [wgsl, finite],
  ({ images = 1, channels, hidden, cols, dtype = 'f32' }: ExciteShape) => ({
    constants: { CHANNELS: channels, BLOCKS: paddedCols(cols) / TILE_COLS },
    machine: { HIDDEN: hidden, weight: dtype },
    workgroups: [channels / SQUEEZED, images, 1],
    macs: images * channels * (hidden + paddedCols(cols)),
  }),
  ({ channels, hidden }, { h, w, n, p }) => {
    const layer = kept((i) => relu(n(i) + sum(channels / SQUEEZED, (share) => h(share * hidden + i))));
    const factor = kept(
      (channel) => Math.min(relu(3 + n(hidden + channel) + sum(hidden, (k) => layer(k) * w(k * channels + channel))), 6) / 6,
    );
    return inRows(TILE_COLS, (row, c) => p(row * TILE_COLS + c) * factor(row % channels));
  },
);
