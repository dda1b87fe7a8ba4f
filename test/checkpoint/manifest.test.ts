import { describe, expect, it } from 'vitest';
import { tensorsOf } from '../../src/face/config.ts';
import { FORMS } from '../../src/face/forms.ts';
import paper from '../../weights/paper.json' with { type: 'json' };
import released from '../../weights/released.json' with { type: 'json' };

const WRITTEN: Record<string, Record<string, string>> = { released, paper };

describe('the manifest', () => {
  it.each(FORMS)('has the tensors of the %s form as PyTorch lists them', (form) => {
    const built = [...tensorsOf(form).values()].map(({ name, dtype, shape }) => [name, `${dtype} ${shape.join('x')}`.trim()]);
    expect(built.sort()).toEqual(Object.entries(WRITTEN[form] as Record<string, string>).sort());
  });

  it('has the parameters that the model has', () => {
    const count = (form: 'released' | 'paper') =>
      [...tensorsOf(form).values()]
        .filter(({ name, dtype }) => dtype === 'F32' && !/running_(mean|var)$/.test(name))
        .reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
    // The position encoding's matrix is a buffer of 256 numbers, not a parameter.
    expect(count('released') - 256).toBe(91_985_943);
    expect(count('paper') - 256).toBe(102_474_916);
    expect(tensorsOf('released').size).toBe(505);
  });

  it('is that of the backbone and of the depth of hourglass that are named', () => {
    expect(tensorsOf('released', { backbone: 'swin_b' })).toBe(tensorsOf('released'));
    expect(tensorsOf('paper', { hourglass: { stacks: 1, levels: 1 } }).size).toBeLessThan(tensorsOf('paper').size);
    expect(() => tensorsOf('released', { backbone: 'vgg16' })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(/"vgg16".*swin_b/) }),
    );
  });
});
