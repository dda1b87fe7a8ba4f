/** Kernels' cases as tests in a page: a page for each file, where the cases are judged. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenPage, useBrowser } from '../browser.ts';
import type { Verdict } from './judge.ts';
import type { KernelCase } from './run.ts';

/** @param file `./NAME.cases.ts` of this folder. @param maySkip whether a case is skipped on a GPU that lacks what it needs, or fails there. */
export function describeCases(open: ReturnType<typeof useBrowser>, file: string, cases: readonly KernelCase[], maySkip = true): void {
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
      if (maySkip) skip(verdict.skipped !== undefined, verdict.skipped);
      expect(verdict.skipped).toBeUndefined();
      expect(verdict.faults).toEqual([]);
      expect(page.complaints.splice(0)).toEqual([]);
    });
  });
}
