/** The browser that the tests run in: one per test file, headless; Chrome on the software adapter unless TEST_BROWSER and ADAPTER say otherwise. */
import { afterAll, beforeAll } from 'vitest';
import { type LaunchedBrowser, launchBrowser, whereOf } from '../tools/browser/launch.ts';
import { type OpenPage, openPage } from '../tools/browser/page.ts';
import type { Route } from '../tools/browser/serve.ts';

export type { OpenPage } from '../tools/browser/page.ts';

/** `TEST_BROWSER=firefox` is the project `firefox` of vitest.config.ts. */
export const where = whereOf({ browser: process.env['TEST_BROWSER'] ?? 'chrome', adapter: process.env['ADAPTER'] ?? 'software' });
/** The same for the command line. */
export const whereOptions = ['--browser', where.browser, '--adapter', where.adapter];

/**
 * Call at the top of a `.gpu.test.ts` file. Gives a function that opens a page with a module's exports:
 * `const page = await open("export { add } from './test/sums.page.ts'"); await page.call('add', 1, 2)`.
 * The page's `complaints` (console errors, errors nobody caught) should be asserted to be empty.
 */
export function useBrowser(flags: readonly string[] = []): (source: string, routes?: Readonly<Record<string, Route>>) => Promise<OpenPage> {
  let launched: LaunchedBrowser | undefined;
  beforeAll(async () => {
    launched = await launchBrowser(where, (line) => console.log(line), flags);
  });
  afterAll(() => launched?.browser.close());
  return (source, routes) => {
    if (!launched) throw new Error('The browser is there only inside of tests and hooks.');
    return openPage(launched.browser, source, routes);
  };
}
