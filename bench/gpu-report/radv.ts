/** AMD: RADV's compiler (ACO) on null hardware, in full. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, icd, inFolder, NotSetUp } from './dawn.ts';
import { hottest, type Instruction, type Kind, type Program } from './loops.ts';
import type { Figures, Measured } from './measured.ts';
import { run } from './processes.ts';
import { spirvOf } from './spirv.ts';

function kindOf(op: string): Kind {
  if (/^v_(dual_)?(fma|mad|mac|pk_fma|pk_mad|dot|wmma)/.test(op)) return 'fma';
  if (op.startsWith('v_')) return 'vector';
  if (op.startsWith('ds_')) return 'workgroup';
  if (/^(buffer|tbuffer|global|flat|scratch|image)_/.test(op)) return 'memory';
  if (/^s_(buffer_)?load/.test(op)) return 'constant';
  if (/^s_(waitcnt|wait|delay_alu|nop|barrier|clause|sleep)/.test(op)) return 'wait';
  return 'scalar';
}

/** `\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5 ; encoding`, under labels `BB7:`. */
export function readAssembly(text: string): Program {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const line of text.split('\n')) {
    const label = /^(BB\d+):/.exec(line)?.[1];
    if (label !== undefined) labels.set(label, instructions.length);
    const code = /^\t([a-z][^;]*);/.exec(line)?.[1];
    if (code === undefined) continue;
    const target = /^s_c?branch\S* (BB\d+)/.exec(code)?.[1];
    const kinds = code.split('::').map((half) => kindOf(half.trim()));
    instructions.push({ kinds, target, ends: /^s_(branch|endpgm|setpc)/.test(code) });
  }
  return { instructions, labels };
}

/** RADV's statistics, each a line of its name, `mark` and its number, and the mix of its assembly. */
export function figuresOf(statistics: string, mark: string, assembly: string): Figures {
  const stat = (name: string): number => {
    const value = new RegExp(`^${name}${mark}(\\d+)`, 'm').exec(statistics)?.[1];
    if (value === undefined) throw new Error(`the driver gives no ${name}`);
    return Number(value);
  };
  const { instructions: loop, ...mix } = hottest(readAssembly(assembly));
  return {
    registers: stat('VGPRs'),
    spills: stat('Spilled VGPRs'),
    scratch: stat('Scratch size'),
    workgroupMemory: stat('LDS size'),
    waves: stat('Subgroups per SIMD'),
    ...mix,
    loop,
    instructions: stat('Instructions'),
    latency: stat('Latency'),
    busy: stat('Inverse Throughput'),
  };
}

/** What `spvstat` printed, read. */
export function readStatistics(text: string): Measured {
  const [statistics = '', assembly = ''] = text.replace(/^stat /gm, '').split('\nassembly\n');
  return { driver: /^driver (.*)/m.exec(statistics)?.[1] ?? 'unknown', figures: figuresOf(statistics, '=', assembly) };
}

/** @param chip as the driver names it: navi31, navi21 */
export async function measureOnRadv(chip: string, wgsl: string): Promise<Measured> {
  const program = join(cache, 'spvstat');
  if (!existsSync(program)) throw new NotSetUp('spvstat', 'amd');
  const { binary, bindings, driver } = await spirvOf(wgsl);
  const { code, stdout, stderr } = await inFolder((folder) => {
    const file = join(folder, 'kernel.spv');
    writeFileSync(file, binary);
    return run(program, [file, bindings], { RADV_FORCE_FAMILY: chip, VK_ICD_FILENAMES: icd('radeon'), VK_DRIVER_FILES: icd('radeon') });
  });
  if (code !== 0) throw new Error(`spvstat ended with ${code}: ${stderr.trim().slice(-300)}`);
  const measured = readStatistics(stdout);
  return { ...measured, driver: `${measured.driver}; SPIR-V from ${driver}` };
}
