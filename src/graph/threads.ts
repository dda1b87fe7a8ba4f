/** How many threads a dispatch runs. */
import { constantsOf, sizeOf } from '../kernels/constants.ts';
import { type KernelText, type Launch, specialise } from '../kernels/kernel.ts';

const SIZES = /@workgroup_size\(([^)]+)\)/;

/** The workgroups of the grid times the threads that the kernel's file gives each, as the machine shape has them. */
export function threadsOf({ kernel, launch }: { kernel: KernelText; launch: Launch }): number {
  const text = specialise(kernel, launch);
  const constants = constantsOf(text);
  const sizes = (SIZES.exec(text)?.[1] ?? '1').split(',').filter((size) => size.trim() !== '');
  return [...launch.workgroups, ...sizes.map((size) => sizeOf(size, constants) ?? Number.NaN)].reduce((product, n) => product * n, 1);
}
