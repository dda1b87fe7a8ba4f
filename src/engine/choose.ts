/** Which lowering and which kernels suit an adapter. */
import type { Gpu } from '../gpu/device.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import { vendorWithoutWebGpu } from '../gpu/vendor.ts';
import { cpuKernels } from '../kernels/cpu.ts';
import { kernelsByVendor } from '../kernels/registers.ts';
import { type GpuKernels, gpuKernels } from '../kernels/set.ts';
import { fused } from '../model/fused/fused.ts';
import type { Lowering } from '../model/lowering.ts';
import { plain } from '../model/plain/plain.ts';
import { type LoadOptions, mustBeOneOf } from './options.ts';

/** The kernels' table: by vendor, as WebGPU writes it, phones, Intel and Apple, and CPUs; every other GPU takes the desktop's. */
export function kernelsFor({ vendor, software = false }: { vendor: string; software?: boolean }): GpuKernels {
  const named = software ? 'software' : vendor || vendorWithoutWebGpu();
  if (!/^(software|qualcomm|arm|intel|apple)$/.test(named)) return gpuKernels;
  return kernelsByVendor[named] as GpuKernels;
}

/**
 * SwiftShader runs the plain lowering, with kernels for CPUs that have subgroups of four; everything else runs the fused one.
 * @param asked `plain` needs such subgroups; `fused` by name is that of a desktop's GPU, its kernels too, on software adapters
 * @throws FaceXFormerError BAD_OPTION
 */
export function loweringFor({ adapter, lanes }: Gpu, asked: NonNullable<LoadOptions['plan']>): Lowering {
  mustBeOneOf(['auto', 'fused', 'plain'], asked, 'plan');
  const isPlain = asked === 'plain' || (asked === 'auto' && adapter.architecture === 'swiftshader' && lanes === 4);
  if (!isPlain) return fused(asked === 'fused' && adapter.software ? gpuKernels : kernelsFor(adapter));
  if (lanes !== 4)
    throw new FaceXFormerError('BAD_OPTION', "`plan: 'plain'` needs an adapter with subgroups of exactly four lanes, as SwiftShader's.");
  return plain(cpuKernels);
}
