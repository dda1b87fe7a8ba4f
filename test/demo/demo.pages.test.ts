/** The demo page as a person uses it: pictures in, cards out, faults said plainly, and nothing sent anywhere. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoRoutes } from '../../demo/command.ts';
import { root } from '../../tools/root.ts';
import { axeFaults } from '../axe.ts';
import { type OpenPage, useBrowser } from '../browser.ts';

const open = useBrowser();
/** More than loading and a frame take on a software adapter whose cores others use too. */
const PATIENCE = { timeout: 500_000 };
const SHOTS = join(root, 'out');

let opened: OpenPage;
let page: Page;
const requests: string[] = [];

/** The page without trained weights, so that its results are those of the seed. */
async function untrainedRoutes() {
  const { '/weights/facexformer.safetensors': _, ...routes } = await demoRoutes();
  return { ...routes, '/weights.json': { body: '{ "trained": false }', type: 'application/json' } };
}

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  opened = await open('export {}', await untrainedRoutes());
  page = opened.page;
  await page.setBypassCSP(true); // axe is brought by the test
  await page.goto(opened.url);
  page.on('request', (request) => requests.push(request.url()));
  await page.setViewport({ width: 1360, height: 900 });
});
afterAll(() => opened?.close());

const text = (selector: string) => page.$eval(selector, (element) => element.textContent?.replace(/\s+/g, ' ').trim() ?? '');

/** Drops a file on the page: the portrait, or bytes of another kind. */
const drop = (name: string, content?: string) =>
  page.evaluate(
    async (name, content) => {
      const blob = content === undefined ? await (await fetch('./astronaut.png')).blob() : new Blob([content]);
      const data = new DataTransfer();
      data.items.add(new File([blob], name, { type: content === undefined ? 'image/png' : 'text/plain' }));
      dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
    },
    name,
    content,
  );

const typeBox = (...box: [number, number, number, number]) =>
  page.$$eval(
    '#box input',
    (inputs, box) => {
      inputs.forEach((input, i) => {
        (input as HTMLInputElement).value = String(box[i]);
      });
      inputs[3]?.dispatchEvent(new Event('change', { bubbles: true }));
    },
    box,
  );

describe('the page', () => {
  test('takes a dropped picture and a typed box, and shows a card for every task', async () => {
    await drop('portrait.png');
    await page.waitForSelector('#view[data-name=portrait]');
    await typeBox(157, 37, 293, 229);
    await page.waitForFunction(
      () => document.querySelector('.card') && document.querySelector('#results')?.getAttribute('aria-busy') === 'false',
      PATIENCE,
    );
    const tasks = await page.$$eval('.card[data-task]:not(.absent)', (cards) =>
      cards.map((card) => (card as HTMLElement).dataset['task']).sort(),
    );
    expect(tasks).toEqual(['age', 'attributes', 'gender', 'headpose', 'landmarks', 'race', 'segmentation', 'visibility']);
    const absent = await page.$$eval('.card.absent', (cards) => cards.map((card) => (card as HTMLElement).dataset['task']).sort());
    expect(absent).toEqual(['expression', 'recognition']);
    expect(await text('#status')).toMatch(/^Analysed in [\d.]+ m?s\.$/);
    expect(await axeFaults(page)).toEqual([]);
    await page.screenshot({ path: join(SHOTS, 'demo.png'), fullPage: true });
  });

  test('says that the weights are untrained, and what the engine runs on', async () => {
    expect(await text('#untrained')).toContain('Untrained weights: all results are noise.');
    expect(await page.$eval('#untrained', (banner) => (banner as HTMLElement).hidden)).toBe(false);
    expect(await text('#engine')).toMatch(/^Ready: 8 tasks \(released form\) on ./);
  });

  test('gives what PyTorch gives', async () => {
    expect(await text('[data-task=age] .answer')).toBe('0-9 (20 %), expected age 39');
    expect(await text('[data-task=gender] .answer')).toBe('male 58 %');
    expect(await text('[data-task=race] .answer')).toBe('White 27 %');
    expect(await text('[data-task=attributes] .answer')).toContain('17 of 40');
    expect(await text('[data-task=visibility] .answer')).toContain('14 of 29');
    expect(await page.$$eval('.angles td', (cells) => cells.map((cell) => cell.textContent))).toEqual(['-11.2°', '42.1°', '39.6°']);
    expect(await page.$$eval('[data-task=landmarks] tr:nth-child(31) td', (cells) => cells.map((cell) => cell.textContent))).toEqual([
      '145.4',
      '109.4',
    ]);
  });

  test('draws on the picture, and less when a layer is switched off', async () => {
    const drawn = () => page.$eval('#view', (canvas) => (canvas as HTMLCanvasElement).toDataURL().length);
    const frame = () => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const before = await drawn();
    await page.click('#layers [name=segmentation]');
    await frame();
    const without = await drawn();
    expect(without).not.toBe(before);
    await page.focus('#layers [name=segmentation]');
    await page.keyboard.press('Space');
    await frame();
    expect(await drawn()).toBe(before);
  });

  test('offers the result as JSON', async () => {
    const json = await page.evaluate(async () => {
      const made: Blob[] = [];
      const original = URL.createObjectURL;
      URL.createObjectURL = (blob: Blob) => {
        made.push(blob);
        return original.call(URL, blob);
      };
      document.addEventListener('click', (event) => event.target instanceof HTMLAnchorElement && event.preventDefault(), { once: false });
      document.querySelector<HTMLButtonElement>('#json')?.click();
      URL.createObjectURL = original;
      return made[0]?.text();
    });
    const { faces } = JSON.parse(json ?? '{}');
    expect(faces).toHaveLength(1);
    expect(faces[0].box).toEqual({ x0: 157, y0: 37, x1: 293, y1: 229 });
    expect(faces[0].landmarks[30].x).toBeCloseTo(145.43, 2); // the outputs' bound, NMSE 1e-8, is about 0.003 pixels here
    expect(faces[0].segmentation.classes).toHaveLength(224 * 224);
  });

  test('says what is wrong with a file that is no picture and with a box that is none, and goes on', async () => {
    await drop('notes.txt', 'not a picture');
    await page.waitForSelector('.fault[data-code=BAD_PICTURE]');
    expect(await text('.fault')).toContain('notes.txt is not a picture');
    await typeBox(157, 37, 100, 229);
    await page.waitForSelector('.fault[data-code=BAD_BOX]', PATIENCE);
    expect(await text('.fault p')).toBe('The box is empty: right must be more than left.');
    // Nothing of the box before it is left to be taken for this one's.
    expect(await page.$$('.card')).toEqual([]);
    expect(await page.$$eval('#json, #png', (buttons) => buttons.map((button) => (button as HTMLButtonElement).disabled))).toEqual([
      true,
      true,
    ]);
    await page.click('#whole');
    await page.waitForFunction(() => !document.querySelector('.fault'), PATIENCE);
    expect(await text('#status')).toMatch(/^Analysing/);
  });

  test('asked nobody but its own server, and complained about nothing', () => {
    expect(requests.filter((url) => !url.startsWith(opened.url) && !/^(blob|data):/.test(url))).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });
});

test('without WebGPU the page says so, with what to do', async () => {
  const other = await page.browser().newPage();
  try {
    await other.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }));
    await other.goto(opened.url);
    await other.waitForSelector('.fault[data-code=WEBGPU_UNAVAILABLE]');
    expect(await other.$eval('.fault', (card) => card.textContent)).toContain('current Chrome, Edge or Safari');
    expect(await other.$eval('#engine', (pill) => pill.textContent)).toBe('No engine');
  } finally {
    await other.close();
  }
});
