/// <reference types="vite/types/importMeta.d.ts" />
/** Every kernel against its float64 twin, in the browser, on a device with default limits and no features but those that a case names. */
import { useBrowser } from '../browser.ts';
import { describeCases } from './in-page.ts';
import type { KernelCase } from './run.ts';

const open = useBrowser();
const files = import.meta.glob<{ cases: KernelCase[] }>('./*.cases.ts', { eager: true });

for (const [file, { cases }] of Object.entries(files)) describeCases(open, file, cases);
