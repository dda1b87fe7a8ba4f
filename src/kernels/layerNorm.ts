import { defineKernel, tiles } from './kernel.ts';
import wgsl from './layerNorm.wgsl';

export interface LayerNormShape {
  rows: number;
  /** A multiple of 4. */
  channels: number;
  eps: number;
  gelu?: boolean;
}

export const layerNorm = defineKernel('layerNorm', wgsl, ({ rows, channels, eps, gelu = false }: LayerNormShape) => ({
  constants: { ROWS: rows, CHANNELS: channels, EPS: eps, GELU: gelu ? 1 : 0 },
  workgroups: [tiles(rows, 4), 1, 1],
  macs: 0,
}));
