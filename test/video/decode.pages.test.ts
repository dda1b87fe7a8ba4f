/** Frames by the browser's own decoder, out of chunks of its own encoder; no GPU is asked for. */
import { beforeAll, expect, it } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';
import type { decoded } from './decode.page.ts';

const open = useBrowser();
let page: OpenPage;
beforeAll(async () => {
  page = await open("export * from './test/video/decode.page.ts';");
});

it('are all there, in order, with their times and pixels, and a session sees each', async () => {
  const { times, lights, seen, reason } = await page.call<Awaited<ReturnType<typeof decoded>>>('decoded', 50);
  const expected = Array.from({ length: 50 }, (_, i) => 40 * i);
  expect(times).toEqual(expected);
  for (const [i, light] of lights.entries()) expect(Math.abs(light - (255 * i) / 50)).toBeLessThan(25); // a codec's range and rounding; frames are 5 apart
  expect(lights).toEqual([...lights].sort((a, b) => a - b));
  expect([seen, reason]).toEqual([expected, 'ended']);
});

it('of what is no video are refused', async () => {
  expect(await page.call('broken')).toBe('BAD_PICTURE');
  expect(page.complaints).toEqual([]);
});
