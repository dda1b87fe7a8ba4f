import { describe, expect, it } from 'vitest';
import { dtypeFor, wantsFloat16 } from '../../src/engine/dtype.ts';
import { codeOf } from '../errors.ts';

describe('the element type', () => {
  const able = { float16: true };
  const unable = { float16: false };

  it('is float16 where the GPU and the plan can and nobody asks for float32', () => {
    expect(dtypeFor('auto', able, able)).toBe('f16');
    expect(dtypeFor('f16', able, able)).toBe('f16');
    expect(dtypeFor('f32', able, able)).toBe('f32');
    expect(dtypeFor('auto', unable, able)).toBe('f32');
    expect(dtypeFor('auto', able, unable)).toBe('f32');
  });

  it('is refused where float16 is asked for by name and the GPU or the plan cannot', () => {
    expect(codeOf(() => dtypeFor('f16', unable, able))).toBe('BAD_OPTION');
    expect(() => dtypeFor('f16', unable, able)).toThrow(/shader-f16/);
    expect(codeOf(() => dtypeFor('f16', able, unable))).toBe('BAD_OPTION');
    expect(() => dtypeFor('f16', able, unable)).toThrow(/plain/);
  });

  it('must have a name', () => {
    expect(codeOf(() => wantsFloat16('float16' as 'f16'))).toBe('BAD_OPTION');
  });
});
