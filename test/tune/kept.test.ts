import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { browserOf, checkedChoices, tuneKey } from '../../src/tune/kept.ts';
import { readTuned, writeTuned } from '../../src/tune/store.ts';
import { VERSION } from '../../src/version.ts';

it('the version is that of the package', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
});

it('the key tells adapters and element types apart', () => {
  const adapter = { vendor: 'a', architecture: 'b', description: 'c', software: false };
  const keys = [
    tuneKey(adapter, 'f32'),
    tuneKey(adapter, 'f16'),
    tuneKey({ ...adapter, vendor: 'a b', architecture: '' }, 'f32'),
    tuneKey({ ...adapter, vendor: 'a', architecture: 'b c', description: '' }, 'f32'),
    tuneKey({ ...adapter, description: 'd' }, 'f32'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

describe('the browser', () => {
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  it.for([
    [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/156.0.0.0 Safari/537.36`, 'Chrome 156'],
    [`Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/156.0.0.0 Safari/537.36 Edg/155.0.0.0`, 'Edg 155'],
    [`Mozilla/5.0 (Linux; Android 16) ${webkit} SamsungBrowser/30.0 Chrome/150.0.0.0 Safari/537.36`, 'SamsungBrowser 30'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0', 'Firefox 150'],
    ['Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15', 'Version 26'],
    ['Node.js/20', 'Node.js/20'],
  ] as const)('%s', ([agent, browser]) => expect(browserOf(agent)).toBe(browser));
});

describe('what a store gives', () => {
  const kept = { browser: 'Chrome 156', engine: '0.1.0', choices: { a: 'matmul' } };
  const read = (value: unknown) => checkedChoices(value, 'Chrome 156', '0.1.0');

  it('is taken where it is whole and of this browser and engine', () => expect(read(kept)).toEqual({ a: 'matmul' }));

  it.for([
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { ...kept, browser: 'Chrome 157' },
    { ...kept, engine: '0.1.1' },
    { ...kept, choices: undefined },
    { ...kept, choices: ['matmul'] },
    { ...kept, choices: { a: 7 } },
  ])('is ignored where it is %j', (value) => expect(read(value)).toBeUndefined());

  it('is nothing where there is no IndexedDB, without an error', async () => {
    expect(await writeTuned('key', kept)).toBe(false);
    expect(await readTuned('key')).toBeUndefined();
  });
});
