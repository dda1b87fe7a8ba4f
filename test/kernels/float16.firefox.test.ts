/// <reference types="vite/types/importMeta.d.ts" />
/**
 * The kernels in float16 in Firefox, whose compiler is another than Chrome's, against their float64 twins: on lavapipe, since SwiftShader
 * has no `shader-f16`. Firefox has it on every GPU that has, and the engine then takes it.
 */
import { describe } from 'vitest';
import { driverFile } from '../../tools/vulkan.mjs';
import { useBrowser } from '../browser.ts';
import { describeCases } from './in-page.ts';
import type { KernelCase } from './run.ts';

const lavapipe = driverFile('lavapipe');
if (lavapipe) process.env['VK_DRIVER_FILES'] = lavapipe; // of this file's own process

/** Mesa takes over a minute to compile it for a CPU. What it shares with `windowAttention` runs there. */
const SLOW = /windowAttentionScores/;

const files = import.meta.glob<{ cases: KernelCase[] }>('./*.cases.ts', { eager: true });

describe.skipIf(!lavapipe && process.env['CI'] !== 'true')('on lavapipe', () => {
  const open = useBrowser();
  for (const [file, { cases }] of Object.entries(files)) {
    const inFloat16 = cases.filter(({ features }) => String(features) === 'shader-f16' && !SLOW.test(file));
    if (inFloat16.length > 0) describeCases(open, file, inFloat16, process.env['CI'] !== 'true');
  }
});
