/** NVIDIA: NVK's compiler on a no-op kernel driver. Its register allocator adds moves that NVIDIA's own does not: compare variants only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, NotSetUp, readLogOn } from './dawn.ts';
import { hottest, type Instruction, type Kind, type Program } from './loops.ts';
import type { Figures, Measured } from './measured.ts';

function kindOf(op: string): Kind {
  if (/^(ffma|hfma2|dfma|hmma|imma|idp4)/.test(op)) return 'fma';
  if (/^(lds|sts|atoms|ldsm|(ld|st|atom)\.shared)/.test(op)) return 'workgroup';
  if (/^(ldc|uldc)/.test(op)) return 'constant';
  if (/^(ld|st|tex|tld|suld|sust|atom|red)/.test(op)) return 'memory';
  if (/^(bar|depbar|nop|warpsync)/.test(op)) return 'wait';
  if (/^(bra|brx|bssy|bsync|bclear|exit|u[a-z]|r2ur|kill|bmov)/.test(op)) return 'scalar';
  return 'vector';
}

/** `@!p0  r4..8 = ld.shared.b128 [r1] // scheduling`, in `block 1 L2 [0, 119] -> {`. */
export function readAssembly(text: string): Program {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const line of text.split('\n')) {
    const label = /^block\S* \d+ (L\d+)/.exec(line)?.[1];
    if (label !== undefined) {
      labels.set(label, instructions.length);
      continue;
    }
    const predicate = /^@\S+/.exec(line)?.[0] ?? '';
    const code = (line.slice(predicate.length).split('//')[0] ?? '').replace(/^.*? = /, '').trim();
    if (!/^[a-z]/.test(code)) continue;
    const target = /^bra (L\d+)/.exec(code)?.[1];
    instructions.push({ kinds: [kindOf(code)], target, ends: predicate === '' && /^(bra|exit)/.test(code) });
  }
  return { instructions, labels };
}

/** Of a GA102's multiprocessor (compute capability 8.6): warps, workgroups, registers, workgroup memory with 1 KiB of each workgroup's own. */
const SM = { warps: 48, workgroups: 16, registers: 65_536, memory: 102_400, reserved: 1024, simds: 4 };

/** Warps that fit a quarter of a multiprocessor: registers are given in eights to each of a warp's 32 threads. */
export function warpsPerSimd(registers: number, workgroupMemory: number, threads: number): number {
  const warps = Math.ceil(threads / 32);
  const byRegisters = Math.floor(SM.registers / (Math.ceil(registers / 8) * 8 * 32) / warps);
  const byMemory = Math.floor(SM.memory / (workgroupMemory + SM.reserved));
  const workgroups = Math.min(SM.workgroups, byRegisters, byMemory, Math.floor(SM.warps / warps));
  return (workgroups * warps) / SM.simds;
}

/** The driver's log of one compilation, read. */
export function readLog(log: string): Figures {
  const text = log.split('NAK IR after calc_instr_deps:').at(-1)?.split('Encoded shader:')[0] ?? '';
  const number = (pattern: RegExp): number => {
    const value = pattern.exec(text)?.[1];
    if (value === undefined) throw new Error(`the driver's log has nothing like ${pattern.source}`);
    return Number(value);
  };
  const registers = number(/Num GPRs: (\d+)/);
  const workgroupMemory = Number(/shared_size: (\d+)/.exec(log)?.[1] ?? 0); // no such line without workgroup memory
  const threads = (/workgroup_size: (\d+), (\d+), (\d+)/.exec(log)?.slice(1) ?? []).reduce((product, n) => product * Number(n), 1);
  const { instructions: loop, ...mix } = hottest(readAssembly(text));
  return {
    registers,
    spills: text.match(/\b(ldl|stl|ld\.local|st\.local)/g)?.length ?? 0,
    scratch: number(/SLM size: (\d+)/),
    workgroupMemory,
    waves: warpsPerSimd(registers, workgroupMemory, threads),
    ...mix,
    loop,
    instructions: number(/Instruction count: (\d+)/),
  };
}

/** @param chipset NVIDIA's number of it */
export async function measureOnNvk(chipset: string, wgsl: string): Promise<Measured> {
  const folder = join(cache, 'nvidia');
  if (!existsSync(join(folder, 'ready'))) throw new NotSetUp('NVK', 'nvidia');
  const libraries = join(folder, 'root/usr/lib/x86_64-linux-gnu');
  const icd = join(folder, 'nouveau_icd.json');
  return readLogOn(
    {
      command: join(folder, 'root/usr/lib64/ld-linux-x86-64.so.2'),
      args: ['--library-path', libraries, '--preload', join(libraries, 'libnouveau_noop_drm_shim.so'), process.execPath],
      env: {
        NOUVEAU_CHIPSET: chipset,
        NAK_DEBUG: 'print,serial',
        MESA_SHADER_CACHE_DISABLE: '1',
        VK_ICD_FILENAMES: icd,
        VK_DRIVER_FILES: icd,
      },
      seconds: 120,
    },
    wgsl,
    readLog,
  );
}
