import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TensorList } from '../../src/checkpoint/checkpoint.ts';
import { readConfig, tensorsOf } from '../../src/face/config.ts';
import { FORMS } from '../../src/face/forms.ts';
import { BACKBONES } from '../../src/model/backbones/index.ts';

/** Names and shapes, as a file in `weights/` has them. */
const written = (name: string): [string, string][] =>
  Object.entries(JSON.parse(readFileSync(new URL(`../../weights/${name}.json`, import.meta.url), 'utf8')));

const described = (list: TensorList) => [...list.values()].map(({ name, dtype, shape }) => [name, `${dtype} ${shape.join('x')}`.trim()]);

const parameters = (list: TensorList): number =>
  [...list.values()]
    .filter(({ name, dtype }) => dtype === 'F32' && !/running_(mean|var)$/.test(name))
    .reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);

describe('the manifest', () => {
  it.each(FORMS)('has the tensors of the %s form as PyTorch lists them', (form) => {
    expect(described(tensorsOf(form)).sort()).toEqual(written(form).sort());
  });

  it.each(BACKBONES)('has those of the paper form on $name, and no other encoder takes them for its own', (backbone) => {
    const { name } = backbone;
    const list = tensorsOf('paper', { backbone: name });
    expect(described(list).sort()).toEqual(written(name === 'swin_b' ? 'paper' : `paper-${name}`).sort());
    expect(BACKBONES.filter((one) => one.recognises(list))).toEqual([backbone]);
    expect(readConfig(tensorsOf('released', { backbone: name })).backbone).toBe(backbone);
  });

  it('has the parameters that the model has', () => {
    // The position encoding's matrix is a buffer of 256 numbers, not a parameter.
    expect(parameters(tensorsOf('released')) - 256).toBe(91_985_943);
    expect(parameters(tensorsOf('paper')) - 256).toBe(102_474_916);
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
