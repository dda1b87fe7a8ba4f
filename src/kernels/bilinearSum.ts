import wgsl from './bilinearSum.wgsl';
import { type Dtype, defineKernel, tiles } from './kernel.ts';

export interface BilinearSumShape {
  /** How many images there are, whose maps lie one after the other; 1 by default. */
  images?: number;
  /** Side of the finest map, a multiple of 8. */
  side: number;
  channels: number;
  /** How the maps that are read are stored; float32 by default. The sum is float32. */
  dtype?: Dtype;
}

export const bilinearSum = defineKernel('bilinearSum', wgsl, ({ images = 1, side, channels, dtype = 'f32' }: BilinearSumShape) => ({
  constants: { SIDE: side, CHANNELS: channels },
  machine: { elem: dtype },
  workgroups: [tiles((side * side * channels) / 4, 64), 1, images],
  macs: images * side * side * channels * 12,
}));
