/** What the times of kernels add up to. */
import type { KernelTime } from '../../src/graph/profile.ts';
import type { Roofline } from './result.ts';

interface KernelTotal {
  readonly kernel: string;
  readonly dispatches: number;
  /** What its dispatches take in a frame. */
  readonly milliseconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/** Adds the times up by kernel; the longest comes first. */
export function kernelTotals(times: readonly KernelTime[]): KernelTotal[] {
  const totals = new Map<string, KernelTotal>();
  for (const { kernel, nodes, milliseconds, flops, bytes } of times) {
    const { length } = nodes;
    const before = totals.get(kernel) ?? { kernel, dispatches: 0, milliseconds: 0, flops: 0, bytes: 0 };
    totals.set(kernel, {
      kernel,
      dispatches: before.dispatches + length,
      milliseconds: before.milliseconds + length * milliseconds,
      flops: before.flops + length * flops,
      bytes: before.bytes + length * bytes,
    });
  }
  return [...totals.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** How near a dispatch comes to its roof: the part of the time that arithmetic or memory alone would take, whichever is more. */
export function partOfRoof(
  { flops, bytes, milliseconds }: Pick<KernelTime, 'flops' | 'bytes' | 'milliseconds'>,
  { gflops, gigabytesPerSecond }: Roofline,
): number {
  return Math.max(flops / gflops, bytes / gigabytesPerSecond) / 1e6 / milliseconds;
}
