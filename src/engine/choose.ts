/** Which kernels suit an adapter, and which element type: what is asked for, as far as the GPU can do it. */
import type { Gpu } from '../gpu/device.ts';
import { badOption } from '../gpu/errors.ts';
import { makerOf } from '../gpu/vendor.ts';
import { type GpuKernels, kindOf, ROLES } from '../kernels/roles.ts';
import type { EngineDtype, LoadOptions } from './options.ts';

/**
 * The table's kernels for an adapter.
 * @param lanes how many every subgroup has, where that is known
 */
export function kernelsFor(
  adapter: { vendor: string; architecture?: string; description?: string; software?: boolean },
  lanes?: number,
): GpuKernels {
  if (adapter.software) return ROLES[kindOf(adapter, lanes)];
  const { vendor, integrated } = makerOf(adapter);
  return ROLES[integrated ? 'laptop' : kindOf({ ...adapter, vendor }, lanes)];
}

/** @param asked `fused` by name: with a desktop GPU's kernels on software adapters too */
export function askedKernels({ adapter, lanes }: Gpu, asked: NonNullable<LoadOptions['plan']>): GpuKernels {
  return asked === 'fused' && adapter.software ? ROLES.desktop : kernelsFor(adapter, lanes);
}

/**
 * Kernels that compute the same in another way, for a GPU on which those compute wrongly: with operands straight from storage, or by tiles in workgroup
 * memory where that is what they do.
 */
export const portableTo = ({ matmul, conv, windowAttention }: GpuKernels): GpuKernels => {
  const { adreno, laptop } = ROLES;
  return matmul === adreno.matmul || conv === adreno.conv || windowAttention === adreno.windowAttention ? laptop : adreno;
};

/** @throws FaceXFormerError BAD_OPTION: float16 was asked for by name, and the device cannot do it. */
export function dtypeFor(asked: NonNullable<LoadOptions['dtype']>, { float16 }: Pick<Gpu, 'float16'>): EngineDtype {
  if (asked === 'f16' && !float16) throw badOption("This GPU device lacks `shader-f16`, which `dtype: 'f16'` needs. Leave it to 'auto'.");
  return asked !== 'f32' && float16 ? 'f16' : 'f32';
}
