/**
 * A GPU process that ends, and a device that is destroyed, at every point of an engine's life: a browser each, since Chromium refuses GPUs to pages that
 * lost theirs before. A network of two convolutions, whose numbers are those of a life without a loss, bit for bit.
 */
import { expect, it } from 'vitest';
import { launchBrowser } from '../../tools/browser/launch.ts';
import { openPage } from '../../tools/browser/page.ts';
import { where } from '../browser.ts';

async function inBrowser<Result>(name: string, ...told: readonly unknown[]): Promise<{ result: Result; complaints: string[] }> {
  const { browser } = await launchBrowser(where, (line) => console.log(line));
  try {
    const page = await openPage(browser, "export * from './test/engine/crash.page.ts';");
    await page.page.exposeFunction('crash', async () => {
      const session = await browser.target().createCDPSession();
      await session.send('Browser.crashGpuProcess').catch(() => {}); // the answer may be lost with it
    });
    return { result: await page.call<Result>(name, ...told), complaints: page.complaints };
  } finally {
    await browser.close();
  }
}

interface Lived {
  readonly around?: unknown;
  readonly after: unknown;
  readonly unhandled: readonly string[];
}

let undisturbed: unknown;

const points = ['loading', 'compiling', 'idle', 'submit', 'readback', 'frames', 'recovery', 'disposed'] as const;

it.each([...points.flatMap((point) => [[point, 'crash'] as const, [point, 'destroy'] as const])])(
  'in %s, by %s: recovered, or for good as it is documented',
  async (point, how) => {
    undisturbed ??= (await inBrowser('undisturbed')).result;
    const { result, complaints } = await inBrowser<Lived>('life', point, how);
    expect(result.unhandled).toEqual([]);
    expect(complaints).toEqual([]);
    if (point === 'disposed') expect(result.after).toBe('DISPOSED');
    else if (point === 'recovery' && typeof result.after === 'string')
      expect(result.after).toMatch(/^DEVICE_LOST The GPU was lost .* gives no other/);
    else expect(result.after).toEqual(undisturbed);
    if (point === 'frames') expect(result.around).toEqual(Array.from({ length: 6 }, () => undisturbed));
    if (point === 'submit' || point === 'readback') expect(result.around).toBe('DEVICE_LOST');
  },
);
