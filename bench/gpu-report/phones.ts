/** Phones: Mesa's compilers for Adreno and Mali, arm64 programs under qemu on no-op kernel drivers. They tell a summary only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, last, NotSetUp, readLogOn } from './dawn.ts';
import type { Figures, Measured } from './measured.ts';

const LIBRARIES = '/usr/lib/aarch64-linux-gnu';

/** Of Turnip's `IR3_SHADER_DEBUG=cs`. Spills are its accesses to private memory (ldp and stp). */
export function readAdrenoLog(log: string): Figures {
  const [instructions = 0, nops = 0] = last(log, /CL prog \d+\/\d+: (\d+) instr, (\d+) nops/g);
  const [halfRegisters = 0, registers = 0] = last(log, /CL prog \d+\/\d+: .*?(\d+) half, (\d+) full/g);
  const [fma = 0] = last(log, /CL prog \d+\/\d+: .*?(\d+) cat3/g);
  const [shortStalls = 0, longStalls = 0] = last(log, /CL prog \d+\/\d+: (\d+) sstall, .*?(\d+) systall/g);
  const workgroupMemory = Number([...log.matchAll(/shared_size: (\d+)/g)].at(-1)?.[1] ?? 0);
  const spills = log.match(/^.*?\b(ldp|stp)\.\w/gm)?.length ?? 0;
  return { registers, halfRegisters, spills, workgroupMemory, fma, nops, shortStalls, longStalls, instructions };
}

/** Of PanVK's `BIFROST_MESA_DEBUG=shaderdb`. Cycles are of one pass through the program, whichever unit is busiest. */
export function readMaliLog(log: string): Figures {
  const [instructions = 0, cycles = 0, fmaCycles = 0, loadStoreCycles = 0, threads = 0, spills = 0, fills = 0] = last(
    log,
    /shader: (\d+) inst, ([\d.]+) cycles, ([\d.]+) fma, .*?([\d.]+) ls, .*?(\d+) threads, .*?(\d+):(\d+) spills/g,
  );
  return { spills, fills, threads, cycles, fmaCycles, loadStoreCycles, instructions };
}

async function measure(driver: string, settings: Readonly<Record<string, string>>, read: (log: string) => Figures, wgsl: string) {
  const folder = join(cache, 'arm64');
  if (!existsSync(join(folder, 'ready'))) throw new NotSetUp('The compiler for phones', 'phones');
  const root = join(folder, 'root');
  const all: Record<string, string> = {
    LD_PRELOAD: `${LIBRARIES}/lib${driver}_noop_drm_shim.so`,
    LD_LIBRARY_PATH: LIBRARIES,
    MESA_SHADER_CACHE_DISABLE: '1',
    VK_ICD_FILENAMES: `${root}/usr/share/vulkan/icd.d/${driver}_icd.json`,
    ...settings,
  };
  return readLogOn(
    {
      command: 'qemu-aarch64-static',
      args: ['-L', root, ...Object.entries(all).flatMap(([name, value]) => ['-E', `${name}=${value}`]), join(root, 'usr/bin/node')],
      seconds: 300,
    },
    wgsl,
    read,
  );
}

/** @param id the GPU's number: 740 */
export const measureOnAdreno = (id: string, wgsl: string): Promise<Measured> =>
  measure('freedreno', { FD_GPU_ID: id, IR3_SHADER_DEBUG: 'cs' }, readAdrenoLog, wgsl);

/** @param id the GPU's product number: a867 is a G610 */
export const measureOnMali = (id: string, wgsl: string): Promise<Measured> =>
  measure('panfrost', { PAN_GPU_ID: id, PAN_I_WANT_A_BROKEN_VULKAN_DRIVER: '1', BIFROST_MESA_DEBUG: 'shaderdb' }, readMaliLog, wgsl);
