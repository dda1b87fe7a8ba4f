/** Which element type an engine computes with: what is asked for, as far as the GPU and this version's kernels can do it. */
import type { Gpu } from '../gpu/device.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import type { EngineDtype, LoadOptions } from './options.ts';

/** Whether the network has kernels of float16. */
const HAS_FLOAT16 = false;

type Asked = NonNullable<LoadOptions['dtype']>;

/** Whether the device should have `shader-f16`, where the GPU does. @throws FaceXFormerError BAD_OPTION */
export function wantsFloat16(asked: Asked, hasFloat16: boolean = HAS_FLOAT16): boolean {
  if (asked !== 'auto' && asked !== 'f32' && asked !== 'f16')
    throw new FaceXFormerError('BAD_OPTION', `\`dtype\` is ${JSON.stringify(asked)}; it must be 'auto', 'f32' or 'f16'.`);
  if (asked === 'f16' && !hasFloat16)
    throw new FaceXFormerError('BAD_OPTION', "This version computes in float32 only: `dtype` must be 'auto' or 'f32'.");
  return asked !== 'f32' && hasFloat16;
}

/** @throws FaceXFormerError BAD_OPTION: float16 was asked for by name, and the device lacks `shader-f16`. */
export function dtypeFor(asked: Asked, { float16 }: Pick<Gpu, 'float16'>, hasFloat16: boolean = HAS_FLOAT16): EngineDtype {
  if (asked === 'f16' && !float16)
    throw new FaceXFormerError('BAD_OPTION', "This GPU device lacks `shader-f16`, which `dtype: 'f16'` needs. Leave it to 'auto'.");
  return wantsFloat16(asked, hasFloat16) && float16 ? 'f16' : 'f32';
}
