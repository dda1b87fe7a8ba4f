/** Which kernels suit an adapter. */
import type { Gpu } from '../gpu/device.ts';
import { vendorWithoutWebGpu } from '../gpu/vendor.ts';
import { kernelsByVendor, subgroupKernels } from '../kernels/registers.ts';
import { type GpuKernels, gpuKernels } from '../kernels/set.ts';
import { fused } from '../model/fused/fused.ts';
import type { Lowering } from '../model/lowering.ts';
import { type LoadOptions, mustBeOneOf } from './options.ts';

/**
 * The kernels' table: by vendor, as WebGPU writes it, phones, Intel and Apple, and CPUs; every other GPU takes the desktop's.
 * @param lanes of every subgroup, where that is known: CPUs with four (SwiftShader) have kernels of their own
 */
export function kernelsFor({ vendor, software = false }: { vendor: string; software?: boolean }, lanes?: number): GpuKernels {
  if (software && lanes === 4) return subgroupKernels;
  const named = software ? 'software' : vendor || vendorWithoutWebGpu();
  if (!/^(software|qualcomm|arm|intel|apple)$/.test(named)) return gpuKernels;
  return kernelsByVendor[named] as GpuKernels;
}

/**
 * @param asked `fused` by name: with a desktop GPU's kernels on software adapters too
 * @throws FaceXFormerError BAD_OPTION
 */
export function loweringFor({ adapter, lanes }: Gpu, asked: NonNullable<LoadOptions['plan']>): Lowering {
  mustBeOneOf(['auto', 'fused'], asked, 'plan');
  return fused(asked === 'fused' && adapter.software ? gpuKernels : kernelsFor(adapter, lanes));
}
