/// <reference types="vite/types/importMeta.d.ts" />
/** Every kernel against its float64 twin, in the browser, on a device with default limits and no features but those that a case names. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';
import type { Verdict } from './judge.ts';
import type { KernelCase } from './run.ts';

const open = useBrowser();
const files = import.meta.glob<{ cases: KernelCase[] }>('./*.cases.ts', { eager: true });

for (const [file, { cases }] of Object.entries(files)) {
  describe(file.slice('./'.length, -'.cases.ts'.length), () => {
    let page: OpenPage;
    beforeAll(async () => {
      page = await open(`
        import { cases } from './test/kernels/${file.slice('./'.length)}';
        import { judgeInPage } from './test/kernels/judge.ts';
        export const run = (name: string) => judgeInPage(cases, name);`);
    });
    afterAll(() => page?.close());

    it.for(cases.map(({ name }) => name))('%s', async (name, { skip }) => {
      const verdict = await page.call<Verdict>('run', name);
      skip(verdict.skipped !== undefined, verdict.skipped);
      expect(verdict.faults).toEqual([]);
      expect(page.complaints.splice(0)).toEqual([]);
    });
  });
}
