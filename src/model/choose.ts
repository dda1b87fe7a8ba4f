/** Which lowering and which kernels suit an adapter. What only some need is imported only there. */
import type { Gpu } from '../gpu/device.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import { gpuKernels } from '../kernels/set.ts';
import type { Config } from './config.ts';
import { fused } from './fused/fused.ts';
import type { Task } from './labels.ts';
import type { Hourglass, Lowering } from './lowering.ts';

/** What tells adapters apart: WebGPU's names of vendor and architecture, in small letters. */
type Named = Pick<Gpu['adapter'], 'vendor' | 'architecture'>;

/** The kernels' table: phones by vendor; every other GPU takes the desktop's. */
export async function kernelsFor({ vendor }: Named) {
  if (vendor !== 'qualcomm' && vendor !== 'arm') return gpuKernels;
  const { adrenoKernels, maliKernels } = await import('../kernels/phones.ts');
  return vendor === 'arm' ? maliKernels : adrenoKernels;
}

/**
 * SwiftShader runs the plain lowering, with kernels for CPUs that have subgroups of four; GPUs run the fused one.
 * @param asked `plain` needs such subgroups
 * @throws FaceXFormerError BAD_OPTION
 */
export async function loweringFor({ adapter, subgroupsOfFour }: Gpu, asked: 'auto' | 'fused' | 'plain'): Promise<Lowering> {
  const isPlain = asked === 'plain' || (asked === 'auto' && adapter.architecture === 'swiftshader' && subgroupsOfFour);
  if (!isPlain) return fused(await kernelsFor(adapter));
  if (!subgroupsOfFour)
    throw new FaceXFormerError('BAD_OPTION', "`plan: 'plain'` needs an adapter with subgroups of exactly four lanes, as SwiftShader's.");
  const [{ cpuKernels }, { plain }] = await Promise.all([import('../kernels/cpu.ts'), import('./plain/plain.ts')]);
  return plain(cpuKernels);
}

/** The paper form's landmarks, where they are wanted. */
export async function hourglassFor({ hourglass }: Config, tasks: readonly Task[]): Promise<Hourglass | undefined> {
  return hourglass && tasks.includes('landmarks') ? (await import('./hourglass.ts')).landmarksHourglass : undefined;
}
