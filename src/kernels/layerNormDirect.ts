import { defineKernel, tiles } from './kernel.ts';
import wgsl from './layerNormDirect.wgsl';

export interface LayerNormShape {
  rows: number;
  /** A multiple of 4. */
  channels: number;
  eps: number;
  gelu?: boolean;
}

export const layerNormDirect = defineKernel('layerNormDirect', wgsl, ({ rows, channels, eps, gelu = false }: LayerNormShape) => ({
  constants: { ROWS: rows, CHANNELS: channels, EPS: eps, GELU: gelu ? 1 : 0 },
  workgroups: [tiles(rows, 8), 1, 1],
  macs: 0,
}));
