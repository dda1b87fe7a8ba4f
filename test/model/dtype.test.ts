import { describe, expect, it } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { dtypeFor, wantsFloat16 } from '../../src/model/dtype.ts';

const codeOf = (call: () => unknown): unknown => {
  try {
    return call();
  } catch (error) {
    return error instanceof FaceXFormerError ? error.code : error;
  }
};

describe('the element type', () => {
  const able = { float16: true };
  const unable = { float16: false };

  it('is float16 where the GPU can and nobody asks for float32', () => {
    expect(dtypeFor('auto', able, true)).toBe('f16');
    expect(dtypeFor('f16', able, true)).toBe('f16');
    expect(dtypeFor('f32', able, true)).toBe('f32');
    expect(dtypeFor('auto', unable, true)).toBe('f32');
  });

  it('is refused where float16 is asked for by name and the GPU cannot', () => {
    expect(codeOf(() => dtypeFor('f16', unable, true))).toBe('BAD_OPTION');
    expect(() => dtypeFor('f16', unable, true)).toThrow(/shader-f16/);
  });

  it('is float32 where there are no kernels for the other, which is then refused by name', () => {
    expect(dtypeFor('auto', able, false)).toBe('f32');
    expect(wantsFloat16('auto', false)).toBe(false);
    expect(codeOf(() => wantsFloat16('f16', false))).toBe('BAD_OPTION');
  });

  it('must have a name', () => {
    expect(codeOf(() => wantsFloat16('float16' as 'f16', true))).toBe('BAD_OPTION');
  });
});
