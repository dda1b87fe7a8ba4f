/** The benchmark as `npm run bench` runs it, on few frames of one task, and its page with results from elsewhere. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BenchResult, isSkipped, parseResult } from '../../bench/page/result.ts';
import { shareAddress } from '../../bench/page/share.ts';
import { benchRoutes } from '../../bench/routes.ts';
import { root } from '../../tools/root.ts';
import { axeFaults } from '../axe.ts';
import { type OpenPage, useBrowser, whereOptions } from '../browser.ts';
import { resultOf } from './result.ts';

const OUT = join(root, 'out');

describe('a headless run', () => {
  const json = join(OUT, 'bench-test.json');
  const screenshot = join(OUT, 'bench-test.png');
  let result: BenchResult;
  let said = '';

  beforeAll(async () => {
    mkdirSync(OUT, { recursive: true });
    rmSync(json, { force: true });
    const files = ['--json', json, '--screenshot', screenshot, ...whereOptions];
    const args = [join(root, 'scripts', 'facexformer.mjs'), 'bench', '--frames', '1', '--tasks', 'age', ...files];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
    expect(stderr).toBe('');
    said = stdout;
    result = parseResult(readFileSync(json, 'utf8'));
  });

  test('gives what the official code gives in float64', () => {
    const { correctness } = result;
    if (isSkipped(correctness)) throw new Error(correctness.skipped);
    expect(Object.keys(correctness.nmse)).toEqual(['age']);
    expect(correctness.nmse['age']).toBeGreaterThan(0);
    expect(correctness.nmse['age']).toBeLessThan(1e-8);
  });

  test('asks of WebGPU what the plan says, and makes nothing', () => {
    // The last dispatch is the frame's stamp, which is copied beside the outputs.
    expect(result.calls).toEqual({
      dispatches: result.plan.dispatches + 1,
      passes: 1,
      submits: 1,
      buffers: 0,
      bindGroups: 0,
      copies: 2,
      maps: 1,
    });
    expect(result.load.pipelines).toBe(result.plan.pipelines + 1);
  });

  test('times every phase and series', () => {
    const { load, first, serial, pipelined, video } = result;
    if (isSkipped(video)) throw new Error(video.skipped);
    for (const time of [load.device, load.weights, load.compile, load.total, first]) expect(time).toBeGreaterThan(0);
    expect(load.device + load.plan + load.weights + load.rest).toBeCloseTo(load.total, 3);
    expect([serial, pipelined, video].map(({ samples }) => samples.length)).toEqual([1, 2, 1]);
    for (const { samples, latency, total, fps } of [serial, pipelined, video]) {
      const { least, p50, p95, p99, most } = latency;
      expect([least, p50, p95, p99, most]).toEqual([least, p50, p95, p99, most].sort((a, b) => a - b));
      expect(least).toBeGreaterThan(0);
      expect(fps).toBeCloseTo((1000 * samples.length) / total, 6);
    }
    expect(video.presented).toBeGreaterThanOrEqual(video.samples.length);
    expect(result.detection).toMatchObject({ width: 1280, height: 720, faces: 5, serial: { samples: { length: 1 } } });
  });

  test('times every dispatch by the clock of the GPU, and the roofs', () => {
    const { kernels, roofline, plan, serial } = result;
    if (isSkipped(kernels) || isSkipped(roofline)) throw new Error('the adapter has no timestamp-query');
    expect(kernels.times.flatMap(({ nodes }) => nodes)).toHaveLength(plan.dispatches);
    expect(Math.min(...kernels.times.map(({ milliseconds }) => milliseconds))).toBeGreaterThan(0);
    const flops = kernels.times.reduce((sum, time) => sum + time.flops * time.nodes.length, 0);
    expect(flops / plan.flops).toBeCloseTo(1, 6);
    // Kernels alone take a good part of a frame, and not many frames: the machine may be busy at one time and not at the other.
    const sum = kernels.times.reduce((all, { milliseconds, nodes }) => all + milliseconds * nodes.length, 0);
    expect(sum / serial.latency.p50).toBeGreaterThan(0.2);
    expect(sum / serial.latency.p50).toBeLessThan(5);
    expect(roofline.gflops).toBeGreaterThan(0.1);
    expect(roofline.gigabytesPerSecond).toBeGreaterThan(0.1);
  });

  test('says that the weights are untrained, and on what it ran', () => {
    expect(result.weights).toEqual({
      source: 'seeded 20240319',
      form: 'released',
      encoder: 'swin_b',
      side: 224,
      untrained: true,
      dtype: 'f32',
    });
    expect(result.notice).toContain('noise');
    expect(said).toContain('what the network finds is noise');
    expect(result.commit).toMatch(/^[0-9a-f]{40}( and changes)?$|^unknown$/);
    expect(result.machine.limits['maxBufferSize']).toBeGreaterThan(0);
    expect(readFileSync(screenshot).subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('the page', () => {
  const open = useBrowser();
  let opened: OpenPage;
  let page: Page;
  beforeAll(async () => {
    mkdirSync(OUT, { recursive: true });
    opened = await open('export {}', await benchRoutes());
    page = opened.page;
    await page.setBypassCSP(true); // axe is brought by the test
  });
  afterAll(() => opened?.close());

  const LOOKS = [
    [1360, 'light'],
    [1360, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const;
  /** What axe-core says of the page in both colours, wide and on a phone, each with its picture. */
  const faultsIn = async (state: string, looks: readonly (readonly [number, 'light' | 'dark'])[] = LOOKS): Promise<string[]> => {
    const faults: string[] = [];
    for (const [width, colours] of looks) {
      await page.setViewport({ width, height: width === 390 ? 844 : 900 });
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: colours }]);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) faults.push(`${wide} pixels are wider than ${width}`);
      faults.push(...(await axeFaults(page)).map((fault) => `${width} ${colours}: ${fault}`));
      await page.screenshot({ path: join(OUT, `bench-${state}-${width}-${colours}.png`), fullPage: true });
    }
    await page.setViewport({ width: 1360, height: 900 });
    return faults;
  };

  test('opens with an example of another machine, what a run does here and for how long, and other machines to compare with', async () => {
    await page.goto(opened.url);
    await page.waitForSelector('#report .card');
    await page.waitForFunction(() => document.querySelector('#forecast')?.textContent);
    expect(await text('#example')).toMatch(/^An example, of another machine: google swiftshader \(software\), 2026-/);
    expect(await text('#forecast')).toMatch(/^Run loads the released form .* calls it 2 times each.* About \d minutes, .*not a GPU\.$/);
    expect(await page.$eval('#download', (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    expect(await faultsIn('example')).toEqual([]);
    await page.select('select[name=form]', 'paper');
    expect(await text('#forecast')).toContain('the paper form');
    await page.click('#tab-compare');
    expect(await text('#columns')).toContain('NVIDIA H200');
    expect(await faultsIn('references', [LOOKS[1], LOOKS[2]])).toEqual([]);
    await page.setViewport({ width: 390, height: 844 });
    const nameAt = () => page.$eval('#columns tbody tr:last-child th', (name) => name.getBoundingClientRect().left);
    const before = await nameAt();
    await page.$eval('#columns', (columns) => Object.assign(columns.closest('.scroll-x') as Element, { scrollLeft: 99 }));
    expect(await page.$eval('#columns', (columns) => columns.closest('.scroll-x')?.scrollLeft)).toBeGreaterThan(0);
    expect(await nameAt()).toBe(before); // a value's name stays beside it
  });

  test('shows a shared result, with what is noise in it, and names a setting that it does not know', async () => {
    const { address } = await shareAddress(opened.url, 'batch=2&speed=9', resultOf());
    await page.goto('about:blank');
    await page.goto(address);
    await page.waitForSelector('#report .card');
    expect(await text('#engine')).toBe('A shared result: google swiftshader (software)');
    expect(await text('#untrained')).toContain('what the network finds is noise');
    expect(await text('.tile')).toContain('11.0 ms');
    expect(await page.$$eval('.plot canvas', (plots) => plots.length)).toBe(3);
    expect(await text('#faults')).toContain('There is no setting speed');
    expect(await faultsIn('shared', [LOOKS[1], LOOKS[2]])).toEqual([]);
  });

  const text = (selector: string) => page.$eval(selector, (element) => element.textContent?.replace(/\s+/g, ' ').trim() ?? '');
  const drop = (files: Record<string, string>) =>
    page.evaluate((files) => {
      const data = new DataTransfer();
      for (const [name, content] of Object.entries(files)) data.items.add(new File([content], name));
      dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    }, files);

  test('compares result files, and says of others what is wrong with them', async () => {
    const faster = resultOf({ date: '2026-11-25T00:00:00.000Z', first: 6 });
    await drop({ 'faster.json': JSON.stringify(faster), 'notes.txt': 'hello', 'old.json': '{"schema":0}' });
    await page.waitForFunction(() => document.querySelectorAll('.fault').length === 3);
    expect(await text('.fault[data-code="notes.txt"]')).toContain('Not added: it is not JSON.');
    expect(await text('.fault[data-code="old.json"]')).toContain('its schema is 0; this page reads schema 1');
    expect(await page.$$eval('#columns thead th', (cells) => cells.map((cell) => cell.firstChild?.textContent ?? ''))).toEqual([
      'SwiftShader on an EPYC',
      'H200, kernels alone',
      'shared',
      'faster',
    ]);
    expect(await page.$$eval('#columns .best', (cells) => cells.map((cell) => cell.textContent))).toContain('6.00 ms');
    expect(await faultsIn('compared', [LOOKS[0], LOOKS[3]])).toEqual([]);
  });

  test('keeps the settings of the form in its address', async () => {
    await page.click('#tab-measure');
    await page.select('select[name=form]', 'paper');
    await page.click('#tasks [name=landmarks]');
    expect(new URL(page.url()).search).toBe('?form=paper&tasks=landmarks');
  });

  test('without WebGPU says so, to the person and to what drives it', async () => {
    const other = await page.browser().newPage();
    try {
      await other.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }));
      await other.goto(`${opened.url}?auto=1`);
      await other.waitForFunction('globalThis.__result !== undefined');
      expect(await other.evaluate('globalThis.__result')).toEqual({
        error: { code: 'WEBGPU_UNAVAILABLE', message: expect.stringContaining('no WebGPU') },
      });
      expect(await other.$eval('.fault', (card) => card.textContent)).toContain('WEBGPU_UNAVAILABLE');
      expect(await other.$eval('#engine', (pill) => pill.textContent)).toBe('Failed');
    } finally {
      await other.close();
    }
  });

  test('complains about nothing', () => expect(opened.complaints).toEqual([]));
});
