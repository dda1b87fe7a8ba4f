import { describe, expect, it } from 'vitest';
import { dtypeFor } from '../../src/engine/choose.ts';
import { codeOf } from '../errors.ts';

describe('the element type', () => {
  const able = { float16: true };
  const unable = { float16: false };

  it('is float16 where the GPU can and nobody asks for float32', () => {
    expect(dtypeFor('auto', able)).toBe('f16');
    expect(dtypeFor('f16', able)).toBe('f16');
    expect(dtypeFor('f32', able)).toBe('f32');
    expect(dtypeFor('auto', unable)).toBe('f32');
  });

  it('is refused where float16 is asked for by name and the GPU cannot', () => {
    expect(codeOf(() => dtypeFor('f16', unable))).toBe('BAD_OPTION');
    expect(() => dtypeFor('f16', unable)).toThrow(/shader-f16/);
  });
});
