import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS, DTYPES, PEERS, readSettings, type Settings, writeSettings } from '../../bench/page/settings.ts';
import { TASKS } from '../../src/face/labels.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import { KINDS } from '../../tools/networks.ts';

const settings: fc.Arbitrary<Settings> = fc.record({
  form: fc.constantFrom(...KINDS),
  encoder: fc.constantFrom(...ENCODERS),
  side: fc.constantFrom(0, 224, 288, 512),
  dtype: fc.constantFrom(...DTYPES),
  batch: fc.integer({ min: 1, max: 8 }),
  frames: fc.integer({ min: 0, max: 10_000 }),
  seed: fc.integer({ min: 0, max: 0xffffffff }),
  weights: fc.constantFrom('', 'weights/facexformer.safetensors', 'weights/a%20b.safetensors'),
  tasks: fc.subarray([...TASKS]),
  peers: fc.subarray([...PEERS]),
});

describe('the settings in an address', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(settings, (written) => {
        expect(readSettings(`?${writeSettings(written)}`)).toEqual({
          settings: written,
          start: { auto: false, compare: false },
          faults: [],
        });
      }),
    );
  });

  it('are left out where they are as by default', () => {
    expect(writeSettings(DEFAULTS)).toBe('');
    expect(writeSettings({ ...DEFAULTS, batch: 4, tasks: ['landmarks', 'age'] })).toBe('batch=4&tasks=landmarks,age');
    expect(readSettings('').settings).toEqual(DEFAULTS);
  });

  it('say whether to begin, and with what', () => {
    expect(readSettings('?auto=1').start).toEqual({ auto: true, compare: false });
    expect(readSettings('?compare=1&auto=0').start).toEqual({ auto: false, compare: true });
  });

  it.for([
    ['?form=other', 'form is other; it must be released, paper, segface.'],
    ['?side=300', 'side is 300; it must be a multiple of 32 from 224 to 512, or 0.'],
    ['?batch=9', 'batch is 9; it must be an integer from 1 to 8.'],
    ['?batch=1.5', 'batch is 1.5'],
    ['?frames=-1', 'frames is -1'],
    ['?seed=4294967296', 'seed is 4294967296'],
    ['?tasks=age,beauty', 'tasks is age,beauty'],
    ['?weights=https://example.org/w.safetensors', 'weights is https://example.org/w.safetensors'],
    ['?weights=../w.safetensors', 'weights is ../w.safetensors'],
    ['?speed=9', 'There is no setting speed'],
    ['?constructor=1', 'There is no setting constructor'],
  ] as const)('%s is said to be wrong, and the default taken', ([search, fault]) => {
    const { settings: read, faults } = readSettings(search);
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(read).toEqual(DEFAULTS);
  });

  it('can all be chosen on the page', () => {
    const page = readFileSync(new URL('../../bench/page/index.html', import.meta.url), 'utf8');
    const choicesOf = (name: string) => {
      const [, options = ''] = page.split(`<select name="${name}">`);
      return [...(options.split('</select>')[0] as string).matchAll(/<option value="(\w+)"/g)].map(([, value]) => value);
    };
    expect(choicesOf('form')).toEqual(KINDS);
    expect(choicesOf('encoder')).toEqual(ENCODERS);
    expect(choicesOf('dtype').toSorted()).toEqual(DTYPES.toSorted());
  });

  it('never fail, whatever the address says', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(Object.keys(readSettings(text).settings)).toEqual(Object.keys(DEFAULTS));
      }),
    );
  });
});
