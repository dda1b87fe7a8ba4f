/** Which element type an engine computes with: what is asked for, as far as the GPU can do it. */
import type { Gpu } from '../gpu/device.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import type { EngineDtype, LoadOptions } from './options.ts';

type Asked = NonNullable<LoadOptions['dtype']>;

/** Whether the device should have `shader-f16`, where the GPU does. */
export const wantsFloat16 = (asked: Asked): boolean => asked !== 'f32';

/** @throws FaceXFormerError BAD_OPTION: float16 was asked for by name, and the device cannot do it. */
export function dtypeFor(asked: Asked, { float16 }: Pick<Gpu, 'float16'>): EngineDtype {
  if (asked === 'f16' && !float16)
    throw new FaceXFormerError('BAD_OPTION', "This GPU device lacks `shader-f16`, which `dtype: 'f16'` needs. Leave it to 'auto'.");
  return wantsFloat16(asked) && float16 ? 'f16' : 'f32';
}
