import { defineKernel, tiles } from './kernel.ts';
import type { LayerNormShape } from './layerNorm.ts';
import wgsl from './layerNormDirect.wgsl';

export const layerNormDirect = defineKernel('layerNormDirect', wgsl, ({ rows, channels, eps, gelu = false }: LayerNormShape) => ({
  constants: { ROWS: rows, CHANNELS: channels, EPS: eps, GELU: gelu ? 1 : 0 },
  workgroups: [tiles(rows, 8), 1, 1],
  macs: 0,
}));
