/** Which kernels suit an adapter. */
import type { Gpu } from '../gpu/device.ts';
import { vendorWithoutWebGpu } from '../gpu/vendor.ts';
import { type GpuKernels, kindOf, ROLES } from '../kernels/roles.ts';
import type { LoadOptions } from './options.ts';

/**
 * The table's kernels for an adapter.
 * @param lanes how many every subgroup has, where that is known
 */
export function kernelsFor(
  { vendor, ...adapter }: { vendor: string; architecture?: string; software?: boolean },
  lanes?: number,
): GpuKernels {
  return ROLES[kindOf({ ...adapter, vendor: vendor || adapter.software ? vendor : vendorWithoutWebGpu() }, lanes)];
}

/** @param asked `fused` by name: with a desktop GPU's kernels on software adapters too */
export function askedKernels({ adapter, lanes }: Gpu, asked: NonNullable<LoadOptions['plan']>): GpuKernels {
  return asked === 'fused' && adapter.software ? ROLES.desktop : kernelsFor(adapter, lanes);
}

/**
 * Kernels that compute the same in another way, for a GPU on which those compute wrongly: with operands straight from storage, or by tiles in workgroup
 * memory where that is what they do.
 */
export const portableTo = ({ windowAttention }: GpuKernels): GpuKernels =>
  windowAttention === ROLES.adreno.windowAttention ? ROLES.laptop : ROLES.adreno;
