/** AMD as Firefox sees it: wgpu and its shader compiler Naga, in Deno, on RADV with a no-op kernel driver. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, icd, NotSetUp, readLogOn } from './dawn.ts';
import type { Figures, Measured } from './measured.ts';
import { figuresOf } from './radv.ts';

const SHIM = '/usr/lib/x86_64-linux-gnu/libamdgpu_noop_drm_shim.so';

/** RADV's log, read: wgpu compiles shaders of its own first, so the last one counts. */
export function readRadvLog(log: string): Figures {
  const last = log.split('\ndisasm:\n').at(-1) ?? '';
  return figuresOf(last, ': ', last);
}

/** @param chip as the driver names it: navi31 */
export async function measureOnWgpu(chip: string, wgsl: string): Promise<Measured> {
  const deno = join(cache, 'wgpu/node_modules/.bin/deno');
  if (!existsSync(deno) || !existsSync(SHIM)) throw new NotSetUp('wgpu', 'wgpu');
  const env = {
    LD_PRELOAD: SHIM,
    AMDGPU_GPU_ID: chip,
    RADV_DEBUG: 'shaders,shaderstats,nocache',
    VK_ICD_FILENAMES: icd('radeon'),
    VK_DRIVER_FILES: icd('radeon'),
  };
  return readLogOn({ command: deno, args: ['run', '--allow-all', '--unstable-webgpu'], env }, wgsl, readRadvLog);
}
