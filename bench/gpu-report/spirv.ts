/** WGSL to SPIR-V as Dawn makes it: its own dump of a pipeline on lavapipe, assembled again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileOn, icd, inFolder } from './dawn.ts';
import { run } from './processes.ts';

export interface Spirv {
  readonly binary: Uint8Array;
  /** One letter a binding of group 0, as `spvstat` takes them. */
  readonly bindings: string;
  /** The driver that Dawn ran on. */
  readonly driver: string;
}

/** The disassembly in Dawn's log, without whatever else was logged between its lines; undefined when it is not whole. */
export function disassemblyIn(log: string): string | undefined {
  const dump = log.split('/* Dumped SPIRV disassembly */')[1];
  if (dump === undefined) return undefined;
  const lines = dump.split('\n').filter((line) => /^\s*(%\w+ = )?Op[A-Z]\w+/.test(line));
  if (lines.at(-1)?.trim() !== 'OpFunctionEnd') return undefined;
  // Debian 12's assembler is older than maximal reconvergence, which no compiler here acts on.
  return lines.filter((line) => !/MaximallyReconverges|maximal_reconvergence/.test(line)).join('\n');
}

/** What each binding of group 0 is; numbers that no variable has count as storage buffers. */
export function bindingsIn(text: string): string {
  const definition = new Map([...text.matchAll(/^\s*(%\w+) = (Op\w+)(.*)$/gm)].map(([, id, op, rest]) => [id, { op, rest }]));
  const letter = (variable: string): string => {
    const [, pointer, storage] = /(%\w+) (\w+)/.exec(definition.get(variable)?.rest ?? '') ?? [];
    if (storage === 'StorageBuffer') return 's';
    if (storage === 'Uniform') return 'u';
    const pointee = /\w+ (%\w+)/.exec(definition.get(pointer ?? '')?.rest ?? '')?.[1];
    const { op, rest = '' } = definition.get(pointee ?? '') ?? {};
    if (op === 'OpTypeSampler') return 'm';
    return rest.trim().split(/\s+/)[5] === '2' ? 'w' : 't'; // OpTypeImage: type, dimensions, depth, arrayed, multisampled, sampled
  };
  const letters: string[] = [];
  for (const [, variable, binding] of text.matchAll(/OpDecorate (%\w+) Binding (\d+)/g))
    letters[Number(binding)] = letter(variable as string);
  return Array.from(letters, (found) => found ?? 's').join('');
}

const ATTEMPTS = 4;

/** Drivers' warnings can land inside a line of the dump: it is taken again until it is whole and assembles. */
async function dump(wgsl: string): Promise<Spirv> {
  const start = { command: process.execPath, args: [], env: { VK_ICD_FILENAMES: icd('lvp'), VK_DRIVER_FILES: icd('lvp') } };
  let problem = 'Dawn dumped no SPIR-V';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { stdout, driver } = await compileOn(start, wgsl, ['dump_shaders']);
    const text = disassemblyIn(stdout);
    if (text === undefined) continue;
    const assembled = await assemble(text);
    if (typeof assembled !== 'string') return { binary: assembled, bindings: bindingsIn(text), driver };
    problem = assembled;
  }
  throw new Error(problem);
}

/** The binary, or the assembler's complaint. */
function assemble(text: string): Promise<Uint8Array | string> {
  return inFolder(async (folder) => {
    const [source, binary] = [join(folder, 'kernel.spvasm'), join(folder, 'kernel.spv')];
    writeFileSync(source, text);
    const { code, stderr } = await run('spirv-as', ['--target-env', 'vulkan1.3', '-o', binary, source]);
    return code === 0 ? readFileSync(binary) : `spirv-as: ${stderr.trim()}`;
  });
}

const dumped = new Map<string, Promise<Spirv>>();

/** Dumped once, however many GPUs ask. */
export function spirvOf(wgsl: string): Promise<Spirv> {
  const known = dumped.get(wgsl) ?? dump(wgsl);
  dumped.set(wgsl, known);
  return known;
}
