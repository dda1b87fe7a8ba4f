/** The tuner on a GPU: small products, real measurements, and the store that remembers. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';
import type { tuneSmall } from './tune.page.ts';

const open = useBrowser();
let page: OpenPage;

beforeAll(async () => {
  page = await open("export * from './test/tune/tune.page.ts';");
});

describe('tuning', () => {
  it.for(['timestamps', 'submits'] as const)('by %s measures every candidate, and what it chooses computes the same', async (clock) => {
    const { shapes, errors, again, wrong, bound } = await page.call<Awaited<ReturnType<typeof tuneSmall>>>('tuneSmall', clock);
    expect(shapes.map(({ shape }) => shape)).toEqual(['49 x 64 x 64, stream', '49 x 64 x 64, norm, gelu', '49 x 64 x 64, residual']);
    for (const { tried, chosen, default: table, measured, speedup, checked } of shapes) {
      expect(measured).toBe('all');
      expect(tried.length).toBeGreaterThan(3);
      expect(tried.map(({ name }) => name)).toContain(chosen);
      for (const { milliseconds } of tried) expect(milliseconds).toBeGreaterThan(0);
      if (chosen === table) expect({ speedup, checked }).toEqual({ speedup: 1, checked: undefined });
      else expect(speedup).toBeGreaterThan(1);
      if (chosen !== table) expect(checked).toBeLessThanOrEqual(bound);
    }
    for (const error of errors) expect(error).toBeLessThanOrEqual(1e-10);
    expect(again.map(({ measured, chosen, tried }) => ({ measured, chosen, tried }))).toEqual(
      shapes.map(({ chosen }) => ({ measured: 'before', chosen, tried: [] })),
    );
    expect(wrong).toBeGreaterThan(bound);
  });

  it('has nothing to choose on SwiftShader, and refuses what is no budget', async () => {
    expect(await page.call('tuneSoftware')).toEqual({
      shapes: 0,
      adopted: 0,
      remembered: false,
      codes: ['BAD_OPTION', 'BAD_OPTION', 'DISPOSED'],
    });
  });
});

describe('choices', () => {
  it('are kept for the adapter, the element type, the browser and the engine, and are ignored where they are damaged', async () => {
    const choices = { a: 'matmul' };
    expect(await page.call('remembering')).toEqual({ written: { written: 'true' }, whole: choices, overwritten: choices });
  });

  it('are not kept, without an error, where storage is blocked', async () => {
    expect(await page.call('blocked')).toEqual({ failing: false, silent: false, waited: true });
  });

  it('left no complaint in the console', () => expect(page.complaints).toEqual([]));
});
