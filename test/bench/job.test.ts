/** What the command line's options ask for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { benchJob } from '../../bench/command.ts';
import { DEFAULTS } from '../../bench/page/settings.ts';
import { UsageError } from '../../tools/terminal/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('bench', () => {
  it('without options is the default run', () => {
    expect(benchJob([])).toEqual({
      settings: DEFAULTS,
      weights: undefined,
      json: undefined,
      screenshot: undefined,
      where: { browser: 'chrome', adapter: 'auto' },
      serve: undefined,
    });
  });

  it('takes every setting of the page', () => {
    const line =
      '--form paper --encoder resnet101 --side 256 --dtype f32 --batch 4 --frames 20 --seed 7 --tasks age,landmarks --peers ort-wasm --browser firefox --adapter software --json a.json --screenshot a.png';
    expect(benchJob(line.split(' '))).toEqual({
      settings: {
        form: 'paper',
        encoder: 'resnet101',
        side: 256,
        dtype: 'f32',
        batch: 4,
        frames: 20,
        seed: 7,
        weights: '',
        tasks: ['landmarks', 'age'],
        peers: ['ort-wasm'],
      },
      weights: undefined,
      json: 'a.json',
      screenshot: 'a.png',
      where: { browser: 'firefox', adapter: 'software' },
      serve: undefined,
    });
  });

  it('serves a file of weights beside the page', () => {
    const file = join(folder, 'my weights.safetensors');
    writeFileSync(file, '');
    const { settings, weights } = benchJob(['--weights', file]);
    expect({ weights, address: settings.weights }).toEqual({ weights: file, address: 'weights/my%20weights.safetensors' });
    expect(benchJob(['--network', 'segface', '--side', '512']).settings).toEqual({ ...DEFAULTS, form: 'segface', side: 512 });
    expect(benchJob(['--weights', 'seeded:9']).settings).toEqual({ ...DEFAULTS, seed: 9 });
  });

  it('serves the page where that is asked for', () => {
    expect(benchJob(['--serve', '--port', '9000']).serve).toEqual({ port: 9000 });
    expect(benchJob(['--serve']).serve).toEqual({ port: undefined });
  });

  it.for([
    [['x'], 'bench takes only options; "x" is not one.'],
    [['--form', 'other'], '--form is other; it must be released or paper'],
    [['--network', 'segface', '--form', 'paper'], 'SegFace has one form'],
    [['--side', '300'], '--side is 300'],
    [['--batch', '9'], '--batch is 9'],
    [['--frames', 'many'], '--frames is many'],
    [['--seed', '-1'], '--seed'],
    [['--tasks', 'beauty'], '--tasks is beauty'],
    [['--peers', 'tfjs'], '--peers is tfjs'],
    [['--adapter', 'cpu'], '--adapter is cpu'],
    [['--browser', 'opera'], '--browser is opera; it must be chrome or firefox'],
    [['--port', '1'], '--port goes with --serve'],
    [['--serve', '--port', '70000'], '--port is 70000'],
    [['--weights', 'a.safetensors', '--seed', '1'], '--seed, --network, --form and --encoder are for seeded weights'],
    [['--bogus'], '--bogus'],
  ] as const)('%j is a wrong call', ([args, said]) => {
    expect(() => benchJob([...args])).toThrow(UsageError);
    expect(() => benchJob([...args])).toThrow(said);
  });
});
