/** Intel: ANV's compiler on a no-op kernel driver, which Debian does not have and `setup.sh intel` makes of Mesa's sources. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, icd, last, NotSetUp, readLogOn } from './dawn.ts';
import type { Figures, Measured } from './measured.ts';

/** Of `INTEL_DEBUG=cs`. Lanes share a thread's registers, 4 KiB; sends are accesses to any memory; cycles are the compiler's estimate. */
export function readIntelLog(log: string): Figures {
  const [lanes = 0, instructions = 0, cycles = 0, spills = 0, fills = 0, sends = 0] = last(
    log,
    /SIMD(\d+) shader: (\d+) instructions\. \d+ loops\. (\d+) cycles\. (\d+):(\d+) spills:fills, (\d+) sends/g,
  );
  const fma =
    log
      .split('Native code for')
      .at(-1)
      ?.match(/^\s*(\(\S+\) )?mad/gm)?.length ?? 0;
  return { lanes, spills, fills, fma, sends, cycles, instructions };
}

/** @param platform as Mesa names it: tgl */
export async function measureOnIntel(platform: string, wgsl: string): Promise<Measured> {
  const shim = join(cache, 'intel/libintel_noop_drm_shim.so');
  if (!existsSync(shim)) throw new NotSetUp('The no-op driver for Intel', 'intel');
  const env = {
    LD_PRELOAD: shim,
    INTEL_STUB_GPU_PLATFORM: platform,
    INTEL_DEBUG: 'cs',
    MESA_SHADER_CACHE_DISABLE: '1',
    VK_ICD_FILENAMES: icd('intel'),
    VK_DRIVER_FILES: icd('intel'),
  };
  return readLogOn({ command: process.execPath, args: [], env, seconds: 120 }, wgsl, readIntelLog);
}
