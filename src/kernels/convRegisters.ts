import { type ConvShape, convLaunch } from './conv.ts';
import wgsl from './convRegisters.wgsl';
import { defineKernel } from './kernel.ts';

export const convRegisters = defineKernel('convRegisters', wgsl, (shape: ConvShape) => {
  const rows = shape.pool ? 2 : 4; // of a thread; four pixels for every input leave registers for fewer
  const launch = convLaunch(shape, 4 * rows);
  return { ...launch, machine: { ...launch.machine, ROWS: rows } };
});
