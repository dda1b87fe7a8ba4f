import { type ConvShape, convConstants, convMacs } from './conv.ts';
import wgsl from './convSubgroup.wgsl';
import { defineKernel, tiles } from './kernel.ts';
import { TILE_COLS } from './matmul/role.ts';

export const convSubgroup = defineKernel('convSubgroup', wgsl, (shape: ConvShape) => ({
  constants: convConstants(shape),
  workgroups: [tiles(shape.cols, TILE_COLS), tiles(shape.side * shape.side, 28), 1],
  macs: convMacs(shape),
}));
