/** Which lowering and which kernels suit an adapter. What only some need is imported only there. */
import type { Gpu } from '../gpu/device.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import { type GpuKernels, gpuKernels } from '../kernels/set.ts';
import { fused } from '../model/fused/fused.ts';
import type { Lowering } from '../model/lowering.ts';
import { type LoadOptions, mustBeOneOf } from './options.ts';

/** The kernels' table: by vendor, as WebGPU writes it, phones, Intel and Apple, and CPUs; every other GPU takes the desktop's. */
export async function kernelsFor({ vendor, software = false }: { vendor: string; software?: boolean }): Promise<GpuKernels> {
  const named = software ? 'software' : vendor || (await import('../gpu/vendor.ts')).vendorWithoutWebGpu();
  if (!/^(software|qualcomm|arm|intel|apple)$/.test(named)) return gpuKernels;
  return (await import('../kernels/registers.ts')).kernelsByVendor[named] as GpuKernels;
}

/**
 * SwiftShader runs the plain lowering, with kernels for CPUs that have subgroups of four; everything else runs the fused one.
 * @param asked `plain` needs such subgroups; `fused` by name is that of a desktop's GPU, its kernels too, on software adapters
 * @throws FaceXFormerError BAD_OPTION
 */
export async function loweringFor({ adapter, lanes }: Gpu, asked: NonNullable<LoadOptions['plan']>): Promise<Lowering> {
  mustBeOneOf(['auto', 'fused', 'plain'], asked, 'plan');
  const isPlain = asked === 'plain' || (asked === 'auto' && adapter.architecture === 'swiftshader' && lanes === 4);
  if (!isPlain) return fused(asked === 'fused' && adapter.software ? gpuKernels : await kernelsFor(adapter));
  if (lanes !== 4)
    throw new FaceXFormerError('BAD_OPTION', "`plan: 'plain'` needs an adapter with subgroups of exactly four lanes, as SwiftShader's.");
  const [{ cpuKernels }, { plain }] = await Promise.all([import('../kernels/cpu.ts'), import('../model/plain/plain.ts')]);
  return plain(cpuKernels);
}
