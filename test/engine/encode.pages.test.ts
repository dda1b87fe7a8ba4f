/** JavaScript's share of a frame in a browser: recording the fused plan's commands. */
import { expect, it } from 'vitest';
import { useBrowser } from '../browser.ts';

const open = useBrowser();

const FRAMES = 51;
/** Milliseconds of a frame. */
const LIMIT = 0.3;

it(`records a frame in ${LIMIT} ms`, async () => {
  const page = await open("export * from './test/engine/encode.page.ts';");
  const { dispatches, milliseconds } = (await page.call('recorded', FRAMES)) as { dispatches: number; milliseconds: number[] };
  milliseconds.sort((a, b) => a - b);
  const median = milliseconds[(FRAMES - 1) / 2] as number;
  console.log(`${dispatches} dispatches recorded: least ${milliseconds[0]?.toFixed(3)} ms, median ${median.toFixed(3)} ms`);
  expect(dispatches).toBe(205); // a large GPU's plan, products in shares among them
  expect(median).toBeGreaterThan(0); // the page is isolated, so that its clock steps by 5 microseconds
  expect(median).toBeLessThanOrEqual(LIMIT);
  expect(page.complaints).toEqual([]);
});
