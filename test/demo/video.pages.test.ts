/** The demo with a camera that is made up: eight faces of a picture, found by MTCNN, keep eight ids. Every state of the page is looked at in looks.pages.test.ts. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoRoutes } from '../../demo/command.ts';
import { root } from '../../tools/root.ts';
import { axeFaults } from '../axe.ts';
import { type OpenPage, useBrowser } from '../browser.ts';
import { cameraFlags, y4mOf } from '../video/y4m.ts';

const SHOTS = join(root, 'out');
const folder = mkdtempSync(join(tmpdir(), 'facexformer-camera-'));
const camera = join(folder, 'group.y4m');

writeFileSync(camera, y4mOf(readFileSync(join(root, 'test', 'fixtures', 'group.png')), 3));
const open = useBrowser(cameraFlags(camera));

let opened: OpenPage;
let page: Page;
const PATIENCE = { timeout: 120_000 };

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  opened = await open('export {}', await demoRoutes());
  page = opened.page;
  await page.setViewport({ width: 1360, height: 900 });
  await page.setBypassCSP(true); // axe is brought by the test
  await page.goto(`${opened.url}?tasks=none`);
});
afterAll(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true, force: true });
});

const status = () => page.$eval('#status', (element) => element.textContent ?? '');
const shot = (name: string) => page.screenshot({ path: join(SHOTS, `demo-${name}.png`), fullPage: true });

describe('the page with a camera', () => {
  test('shows the sample at once, and finds its face by itself', async () => {
    await page.waitForSelector('#view:not([hidden])');
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('Analysed'), PATIENCE);
    expect(await page.$('.card.summary')).not.toBeNull();
    expect(await axeFaults(page)).toEqual([]);
    await shot('sample');
  });

  test('follows eight faces of the camera by eight ids that last', async () => {
    await page.click('#camera');
    await page.waitForFunction(() => /Faces: (\d+ ){7}\d+\./.test(document.querySelector('#status')?.textContent ?? ''), PATIENCE);
    const idsOf = async () => (await status()).match(/Faces: ([\d ]+)\./)?.[1];
    const first = await idsOf();
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 2; i++) {
      await page.waitForFunction((before) => document.querySelector('#status')?.textContent !== before, PATIENCE, await status());
      seen.add(await idsOf());
    }
    expect([...seen]).toEqual([first]);
    expect(await status()).toMatch(/^[\d.]+ results a second, [\d.]+ m?s old/);
    expect(await page.$$eval('#people button', (buttons) => buttons.length)).toBe(8);
    expect(await axeFaults(page)).toEqual([]);
    await shot('camera');
  });

  test('lets a face be chosen, by hand and by key', async () => {
    const pressed = () => page.$$eval('#people button', (all) => all.findIndex((one) => one.getAttribute('aria-pressed') === 'true'));
    await page.focus('#people button:nth-of-type(3)');
    await page.keyboard.press('Enter');
    expect(await pressed()).toBe(2);
  });

  test('keeps the last frame when the camera is switched off, and complains about nothing', async () => {
    await page.click('#camera');
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('The video is off'), PATIENCE);
    expect(await axeFaults(page)).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });
});
