/** The demo in every state with an engine whose faces are made up (engine.ts): what is shown, that axe-core finds nothing, wide and on a phone, light and dark. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoRoutes } from '../../demo/command.ts';
import { root } from '../../tools/root.ts';
import { axeFaults } from '../axe.ts';
import { type OpenPage, useBrowser } from '../browser.ts';
import { cameraFlags, y4mOf } from '../video/y4m.ts';

const SHOTS = join(root, 'out');
const folder = mkdtempSync(join(tmpdir(), 'facexformer-looks-'));
const camera = join(folder, 'group.y4m');
writeFileSync(camera, y4mOf(readFileSync(join(root, 'test', 'fixtures', 'group.png')), 3));
const open = useBrowser(cameraFlags(camera));
const madeUp: Plugin = {
  name: 'made up',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/engine\.ts$/ }, ({ resolveDir }) =>
      resolveDir === join(root, 'demo') ? { path: join(root, 'test', 'demo', 'engine.ts') } : undefined,
    ),
};

let opened: OpenPage;
let page: Page;
beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  opened = await open('export {}', {
    ...(await demoRoutes(undefined, [madeUp])),
    '/group.png': { file: join(root, 'test', 'fixtures', 'group.png') },
    '/turned.mp4': { file: join(root, 'test', 'image', 'turned.mp4') },
  });
  page = opened.page;
  await page.setBypassCSP(true); // axe is brought by the test
});
afterAll(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true, force: true });
});

const LOOKS = [
  [1360, 'light'],
  [1360, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const;

/** What is wrong with how the page looks: what axe-core finds, what is wider than the page, buttons that are smaller than a finger on a phone. */
async function faultsIn(state: string, looks: readonly (readonly [number, 'light' | 'dark'])[] = LOOKS): Promise<string[]> {
  const faults: string[] = [];
  for (const [width, colours] of looks) {
    await page.setViewport({ width, height: width === 390 ? 844 : 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: colours }]);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) faults.push(`${wide} pixels are wider than ${width}`);
    const small = await page.$$eval('button, .button, select, summary', (all) =>
      all
        .filter((one) => (one as HTMLElement).offsetParent && (one as HTMLElement).offsetHeight < 44)
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    if (width === 390) faults.push(...small);
    faults.push(...(await axeFaults(page)).map((fault) => `${width} ${colours}: ${fault}`));
    await page.screenshot({ path: join(SHOTS, `looks-${state}-${width}-${colours}.png`), fullPage: true });
  }
  await page.setViewport({ width: 1360, height: 900 });
  return faults;
}

const text = (selector: string) => page.$eval(selector, (element) => element.textContent?.replace(/\s+/g, ' ').trim() ?? '');
const analysed = () =>
  page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('Analysed'), { timeout: 20_000 });
const goTo = async (query: string) => {
  await page.setViewport({ width: 1360, height: 900 });
  await page.goto(`${opened.url}?${query}`);
};
const give = (...files: { name: string; from?: string; type?: string }[]) =>
  page.evaluate(async (files) => {
    const data = new DataTransfer();
    for (const { name, from, type = 'image/png' } of files)
      data.items.add(
        from ? new File([await (await fetch(from)).blob()], name, { type }) : new File(['no picture'], name, { type: 'text/plain' }),
      );
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  }, files);

describe('the page', () => {
  test('shows the sample at once, and a face in a sentence, six attributes, a cube', async () => {
    await goTo('trained=1&slow=1500');
    await page.waitForSelector('#view:not([hidden])', { timeout: 1400 });
    expect(await text('#status')).not.toMatch(/^Analysed/);
    await analysed();
    expect(await text('.summary .answer')).toMatch(/^A man of about 25 looks straight ahead; 8 of 29 points of it are hidden\.$/);
    const shown = await page.$$eval('[data-task=attributes] > div > .bars dt', (all) => all.length);
    expect(shown).toBe(6);
    expect(await page.$('[data-task=headpose] canvas.cube')).not.toBeNull();
    expect(await faultsIn('sample')).toEqual([]);
  });

  test('has all forty attributes behind a fold, the likeliest first', async () => {
    await page.click('[data-task=attributes] summary');
    const parts = await page.$$eval('[data-task=attributes] .bars dd', (all) =>
      all.map((one) => Number.parseInt(one.textContent ?? '', 10)),
    );
    expect(parts).toHaveLength(40);
    expect(parts).toEqual([...parts].sort((a, b) => b - a));
    expect(await faultsIn('folds', [LOOKS[0], LOOKS[3]])).toEqual([]);
  });

  test('lights a class while its row is pointed at, and draws fainter and without what is hidden when asked to', async () => {
    const drawn = async () => {
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      return page.$eval('#view', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
    };
    const before = await drawn();
    await page.hover('[data-task=segmentation] .bars dt');
    expect(await drawn()).not.toBe(before);
    await page.mouse.move(2, 2);
    expect(await drawn()).toBe(before);
    for (const change of ['#opacity', '#layers [name=visibility]']) {
      const was = await drawn();
      await page.$eval(change, (input) => {
        (input as HTMLInputElement).value = '10';
        (input as HTMLInputElement).click();
        input.dispatchEvent(new Event('input', { bubbles: true }));
      });
      expect(await drawn(), change).not.toBe(was);
    }
  });

  test('leaves out the tasks that are not wanted', async () => {
    await page.click('#tasks [name=age]');
    await page.click('#find');
    await page.waitForSelector('[data-task=age].absent', { timeout: 10_000 });
    expect(await text('[data-task=age]')).toContain('This task was left out.');
    expect(await faultsIn('left-out', [LOOKS[1], LOOKS[2]])).toEqual([]);
  });

  test('shows several pictures, all faces of one, and compares two where the weights can', async () => {
    await goTo('trained=1&form=paper');
    await analysed();
    await give({ name: 'group.png', from: './group.png' }, { name: 'astronaut.png', from: './astronaut.png' });
    await page.waitForFunction(() => document.querySelectorAll('#people button').length === 8, { timeout: 10_000 });
    await page.evaluate(() => dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() }))); // a number, into a box's field
    expect(await page.$$eval('#pictures button', (all) => all.map((one) => one.textContent))).toEqual(['group.png', 'astronaut.png']);
    expect(await text('[data-task=recognition]')).toMatch(/Face 2: similarity -?\d\.\d{3}/);
    await page.click('[data-task=recognition] button');
    expect(await text('[data-task=recognition]')).toContain('face 1 is the nearest of 1, similarity 1.000');
    expect(await faultsIn('several')).toEqual([]);
    await page.click('#people button:nth-of-type(3)');
    expect(await text('.summary .answer')).toContain('man of about 33');
  });

  test('shows through what is clear in a picture only what is drawn now, and one that is higher than a canvas can be', async () => {
    const painted = (width: number, height: number, colour: string) =>
      page.evaluate(
        async (width, height, colour) => {
          const canvas = new OffscreenCanvas(width, height);
          const ctx = canvas.getContext('2d');
          if (ctx) ctx.fillStyle = colour;
          ctx?.fillRect(0, 0, width, height);
          return URL.createObjectURL(await canvas.convertToBlob());
        },
        width,
        height,
        colour,
      );
    await goTo('trained=1');
    await give({ name: 'clear.png', from: await painted(60, 40, 'rgba(200, 30, 40, 0.1)') });
    await page.waitForSelector('#view[data-name=clear]');
    await analysed();
    const drawn = async () => {
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      return page.$eval('#view', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
    };
    const before = await drawn();
    const layer = await page.waitForSelector('#layers [name=landmarks]');
    await layer?.click();
    expect(await drawn()).not.toBe(before);
    await layer?.click();
    expect(await drawn()).toBe(before);
    await give({ name: 'high.png', from: await painted(2, 6000, 'rgb(200, 30, 40)') });
    await page.waitForSelector('#view[data-name=high]');
    await drawn();
    const [height, ...colour] = await page.$eval('#view', (canvas) => {
      const { height, width } = canvas as HTMLCanvasElement;
      const pixel = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(Math.floor(width / 2), height - 1, 1, 1).data ?? [];
      return [height, ...pixel];
    });
    expect(height).toBeLessThanOrEqual(8192);
    expect(colour.slice(0, 3)).toEqual([200, 30, 40]);
  });

  test('says of a video of which the browser plays the sound alone that it cannot be shown, and goes on', async () => {
    await goTo('trained=1');
    await analysed();
    const header = Buffer.alloc(44);
    header.write('RIFF', 0);
    header.writeUInt32LE(36 + 16_000, 4);
    header.write('WAVEfmt ', 8);
    header.writeUInt32LE(16, 16);
    header.writeUInt16LE(1, 20);
    header.writeUInt16LE(1, 22);
    header.writeUInt32LE(8000, 24);
    header.writeUInt32LE(8000, 28);
    header.writeUInt16LE(1, 32);
    header.writeUInt16LE(8, 34);
    header.write('data', 36);
    header.writeUInt32LE(16_000, 40);
    const sound = Buffer.concat([header, Buffer.alloc(16_000, 128)]).toString('base64');
    await give({ name: 'sound.mp4', from: `data:audio/wav;base64,${sound}`, type: 'video/mp4' });
    await page.waitForFunction(() => document.querySelector('#faults')?.textContent?.includes('sound.mp4 is not a video'));
    await give({ name: 'group.png', from: '/group.png' });
    await page.waitForSelector('#view[data-name=group]');
    await analysed();
  });

  test('shows the last of two videos that are dropped at once', async () => {
    await goTo('trained=1');
    await analysed();
    await page.evaluate(async () => {
      const video = await (await fetch('./turned.mp4')).blob();
      for (const name of ['first.mp4', 'second.mp4']) {
        const data = new DataTransfer();
        data.items.add(new File([video], name, { type: 'video/mp4' }));
        dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
      }
    });
    await page.waitForFunction(() => {
      const { width, height } = document.querySelector('#view') as HTMLCanvasElement;
      return Math.abs(height / width - 4) < 0.1; // 32 x 128 as it is shown
    });
    expect(await text('#faults')).toBe('');
  });

  test('says of untrained weights in one line on a phone that all is noise', async () => {
    await goTo('');
    await analysed();
    expect(await faultsIn('untrained')).toEqual([]);
    await page.setViewport({ width: 390, height: 844 });
    const lines = await page.$eval('#untrained strong', (said) => said.getClientRects().length);
    const high = await page.$eval('#untrained', (banner) => (banner as HTMLElement).offsetHeight);
    expect([lines, high < 110]).toEqual([1, true]);
  });

  test('follows the camera’s faces, with results a second, age and stages, and says what is no picture', async () => {
    await goTo('trained=1');
    await analysed();
    await page.click('#camera');
    await page.waitForFunction(() => /Faces: (\d+ ){7}\d+\./.test(document.querySelector('#status')?.textContent ?? ''), {
      timeout: 20_000,
    });
    expect(await text('#status')).toMatch(
      /^[\d.]+ results a second, [\d.]+ m?s old, finding faces 12 ms, the network 34 ms\. Faces: 1 2 3 4 5 6 7 8\.$/,
    );
    expect(await faultsIn('camera', [LOOKS[0], LOOKS[3]])).toEqual([]);
    await page.click('#camera');
    await give({ name: 'notes.txt' });
    await page.waitForSelector('.fault[data-code=BAD_PICTURE]');
    expect(await faultsIn('fault', [LOOKS[1], LOOKS[2]])).toEqual([]);
  });

  test('without a GPU says so', async () => {
    await goTo('broken=1');
    await page.waitForSelector('.fault[data-code=NO_ADAPTER]');
    expect(await faultsIn('no-gpu', [LOOKS[0], LOOKS[3]])).toEqual([]);
  });

  test('complains about nothing', () => expect(opened.complaints).toEqual([]));
});
