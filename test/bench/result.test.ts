import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestOf, browserTitle, factsOf, rowsOf, unlike, worstOf } from '../../bench/page/compare.ts';
import { forecast } from '../../bench/page/forecast.ts';
import { milliseconds } from '../../bench/page/format.ts';
import { kernelTotals, partOfRoof } from '../../bench/page/kernels.ts';
import { BadResult, checkResult, isSkipped, parseResult } from '../../bench/page/result.ts';
import { DEFAULTS } from '../../bench/page/settings.ts';
import { shareAddress, sharedResult } from '../../bench/page/share.ts';
import { tableLines } from '../../bench/page/table.ts';
import { references } from '../../bench/references.ts';
import { resultOf, series } from './result.ts';

const result = resultOf();

describe('a result file', () => {
  it('is taken as it was written', () => {
    expect(parseResult(JSON.stringify(result))).toEqual(result);
  });

  it.for([
    ['<!doctype html>', 'it is not JSON'],
    ['null', 'it has no `schema`'],
    ['{"version": 1}', 'it has no `schema`'],
    [JSON.stringify({ ...result, schema: 2 }), 'its schema is 2; this page reads schema 1'],
    [JSON.stringify({ ...result, plan: { ...result.plan, macs: 'many' } }), 'plan.macs is not a number'],
    [JSON.stringify({ ...result, serial: { ...result.serial, samples: [1, -1] } }), 'serial.samples[1] is not a number from 0'],
    [JSON.stringify({ ...result, kernels: { times: [{}] } }), 'kernels.times[0].kernel is not a text'],
    [JSON.stringify({ ...result, tasks: undefined }), 'tasks is not a list'],
  ])('%s is refused with a reason', ([content, reason]) => {
    expect(() => parseResult(content as string)).toThrow(BadResult);
    expect(() => parseResult(content as string)).toThrow(reason);
  });

  it('that lost any one of its parts is refused', () => {
    for (const name of Object.keys(result).filter((name) => name !== 'notice'))
      expect(() => checkResult({ ...result, [name]: undefined }), name).toThrow(BadResult);
  });

  it('of any other content is refused, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.json(), (content) => {
        expect(() => parseResult(content)).toThrow(BadResult);
      }),
    );
  });
});

describe('a link', () => {
  const page = 'http://127.0.0.1:8081/?batch=2#old';

  it('holds settings and result where it stays short', async () => {
    const { address, whole } = await shareAddress(page, 'batch=4', result);
    expect(whole).toBe(true);
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:8081\/\?batch=4#r=[\w-]+$/);
    const shared = await sharedResult(new URL(address).hash);
    expect(shared).toMatchObject({ ...result, serial: expect.anything(), pipelined: expect.anything() });
    expect(shared?.serial.samples).toEqual(result.serial.samples);
    expect(shared?.serial.fps).toBeCloseTo(result.serial.fps, 2); // five digits travel
  });

  it('holds the settings alone where it would be too long, or there is no result', async () => {
    const samples = Array.from({ length: 5000 }, (_, i) => 10 + Math.sin(i * i));
    expect(await shareAddress(page, 'batch=4', resultOf({ serial: series(samples) }))).toEqual({
      address: 'http://127.0.0.1:8081/?batch=4',
      whole: false,
    });
    expect(await shareAddress(page, '', undefined)).toEqual({ address: 'http://127.0.0.1:8081/', whole: false });
  });

  it('that is damaged says so', async () => {
    const { address } = await shareAddress(page, '', result);
    const { hash } = new URL(address);
    expect(await sharedResult('#top')).toBeUndefined();
    await expect(sharedResult(hash.slice(0, -40))).rejects.toThrow(BadResult);
    await expect(sharedResult('#r=%%%')).rejects.toThrow('the address is cut off or damaged');
  });

  it('that unfolds without end is stopped', async () => {
    const zeros = new Blob([new Uint8Array(2 ** 24)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
    const bytes = Buffer.from(await new Response(zeros).arrayBuffer());
    await expect(sharedResult(`#r=${bytes.toString('base64url')}`)).rejects.toThrow('unfolds to more');
  });
});

describe('a comparison', () => {
  const slow = resultOf({ serial: series([100, 110, 120]), correctness: { skipped: 'the reference is of seed 20240319' } });

  it('names the best of each row, and leaves open what was not measured', () => {
    const rows = rowsOf([slow, result]);
    const p50 = rows.find(({ label }) => label === 'Latency p50');
    expect(p50?.values).toEqual([110, 11]);
    expect(p50 && bestOf(p50)).toBe(1);
    const nmse = rows.find(({ label }) => label === 'Worst NMSE');
    expect(nmse?.values).toEqual([undefined, 5e-11]);
    expect(nmse && bestOf(nmse)).toBeUndefined();
    expect(rows.find(({ label }) => label === 'Video frames a second')).toBeUndefined();
    expect(rows.find(({ label }) => label === 'Kernels, sum')?.values).toEqual([8, 8]);
  });

  it('prefers more of what is better so, and nothing among what reads alike', () => {
    const text = (value: number) => value.toFixed(1);
    expect(bestOf({ values: [1, 2], text, better: 'more' })).toBe(1);
    expect(bestOf({ values: [2, 2.0001], text, better: 'less' })).toBeUndefined();
    expect(bestOf({ values: [1, 2], text })).toBeUndefined();
  });

  it('says in what the work of the results differs', () => {
    expect(unlike([])).toEqual([]);
    expect(unlike([slow, result])).toEqual([]);
    const other = resultOf({ tasks: ['age', 'race'], settings: { ...result.settings, batch: 4 } });
    expect(unlike([result, other])).toEqual(['tasks', 'batch']);
    expect(unlike([result, resultOf({ weights: { ...result.weights, form: 'paper', dtype: 'f16' } })])).toEqual(['form', 'type']);
  });

  it('says what the results are of', () => {
    const facts = Object.fromEntries(factsOf([result]).map(({ label, values: [value] }) => [label, value]));
    expect(facts).toMatchObject({
      Adapter: 'google swiftshader (software)',
      Browser: 'headless Chrome 156',
      Weights: 'seeded 20240319, untrained, released form',
      Settings: 'f32, batch 1, 1 task',
    });
    expect(browserTitle('Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15')).toBe('Safari 26');
    expect(browserTitle('Mozilla/5.0 (X11) Gecko/20100101 Firefox/141.0')).toBe('Firefox 141');
  });
});

describe('times of kernels', () => {
  it('add up by kernel, the longest first', () => {
    const times = isSkipped(result.kernels) ? [] : result.kernels.times;
    expect(kernelTotals(times)).toEqual([
      { kernel: 'matmul', dispatches: 3, milliseconds: 5, flops: 900, bytes: 300 },
      { kernel: 'layerNorm', dispatches: 1, milliseconds: 3, flops: 0, bytes: 300 },
    ]);
  });

  it('are held against the nearer roof', () => {
    const roof = { gflops: 10, gigabytesPerSecond: 1 };
    expect(partOfRoof({ flops: 10e6, bytes: 1, milliseconds: 2 }, roof)).toBeCloseTo(0.5);
    expect(partOfRoof({ flops: 10e6, bytes: 4e6, milliseconds: 4 }, roof)).toBeCloseTo(1);
  });
});

it('a table for the terminal says first that untrained weights find noise', () => {
  const lines = tableLines(result);
  expect(lines[0]).toContain('what the network finds is noise');
  expect(lines.find((line) => line.startsWith('serial'))).toMatch(/^serial +3 +11\.0 ms +11\.9 ms +12\.0 ms +90\.91$/);
  expect(lines.find((line) => line.startsWith('matmul'))).toMatch(/^matmul +3 +5\.00 ms +62\.5 %/);
  expect(lines).toContain('NMSE     5.0e-11 at most (age)');
  const { notice: _, ...trained } = result;
  expect(tableLines(trained).join('\n')).not.toContain('noise');
});

it('numbers are said in the unit that suits them', () => {
  expect([0.0042, 0.25, 1.5, 42, 420, 4200, 42_000].map(milliseconds)).toEqual([
    '4.2 µs',
    '250 µs',
    '1.50 ms',
    '42.0 ms',
    '420 ms',
    '4.20 s',
    '42.0 s',
  ]);
  expect(worstOf({})).toBeUndefined();
  expect(worstOf({ age: 1e-11, race: 2e-10 })).toEqual({ output: 'race', nmse: 2e-10 });
});

describe('results of other machines', () => {
  const [example, kernels] = references();

  it('are a whole one, and one of kernels alone', () => {
    expect(example?.part.machine?.adapter.software).toBe(true);
    const [row] = rowsOf([kernels?.part ?? {}]);
    expect([row?.label, row?.text(row.values[0] ?? 0)]).toEqual(['Kernels, sum', '2.29 ms']);
    expect(factsOf([kernels?.part ?? {}]).find(({ label }) => label === 'Adapter')?.values).toEqual(['NVIDIA H200']);
    expect(unlike([result, kernels?.part ?? {}])).toEqual([]);
  });

  it('tell how long a run takes on a software adapter, and a GPU is given less than a minute', () => {
    const software = { title: 'swiftshader', software: true, example: example?.part as typeof result };
    expect(forecast(DEFAULTS, software)).toMatch(/calls it 2 times each.* About 2 minutes, .*not a GPU\.$/);
    expect(forecast({ ...DEFAULTS, batch: 8, frames: 100, tasks: ['age'] }, software)).toMatch(
      /only age .*100 times.*8 faces a call.* About 2\d\d minutes/,
    );
    expect(forecast(DEFAULTS, { title: 'a GPU', software: false })).toMatch(
      /on a GPU, then calls it 100 times each.* Less than a minute\.$/,
    );
    expect(forecast({ ...DEFAULTS, form: 'segface' }, software)).toMatch(/^Run loads SegFace with seeded weights /);
    expect(forecast({ ...DEFAULTS, peers: ['human'] }, software)).toContain('; then human, which may take much longer.');
  });
});
