/** A whole WebGPU program on a driver: on null hardware, under another C library, under another processor. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../tools/root.ts';
import type { Figures, Measured } from './measured.ts';
import { type Ended, run } from './processes.ts';

/** Where `setup.sh` puts what it makes. */
export const cache = process.env['GPU_REPORT_CACHE'] ?? join(root, '.cache/gpu-report');

/** What a GPU's compiler needs is not there; the message says how to get it. */
export class NotSetUp extends Error {
  constructor(what: string, part: 'amd' | 'wgpu' | 'safari' | 'intel' | 'nvidia' | 'phones' | 'windows') {
    super(`${what} is not set up: bash bench/gpu-report/setup.sh ${part}`);
  }
}

/** The program that compiles one file; see there. */
export const COMPILE = join(root, 'bench/gpu-report/compile.mjs');

const ICD = '/usr/share/vulkan/icd.d';

/** The description of an installed Vulkan driver: `lvp` or `radeon`. Its file may bear the processor's name. */
export function icd(driver: string): string {
  const file = installed().find((name) => name.startsWith(`${driver}_icd`));
  if (!file) throw new NotSetUp(`Mesa's Vulkan driver ${driver}`, 'amd');
  return join(ICD, file);
}

function installed(): string[] {
  try {
    return readdirSync(ICD);
  } catch {
    return []; // no Vulkan drivers at all
  }
}

/** Calls `use` with a folder that is removed afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-report-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How to start `compile.mjs` on a driver. */
export interface Start {
  readonly command: string;
  /** Before the program's own arguments. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly seconds?: number;
}

export interface Compiled extends Ended {
  /** What the driver calls itself. */
  readonly driver: string;
}

/** Compiles a shader on a driver. Rejects with WebGPU's message where it does not compile. */
export function compileOn({ command, args, env, seconds = 60 }: Start, wgsl: string, toggles: readonly string[] = []): Promise<Compiled> {
  return inFolder(async (folder) => {
    const file = join(folder, 'kernel.wgsl');
    writeFileSync(file, wgsl);
    const ended = await run(command, [...args, COMPILE, file, toggles.join(',')], env, seconds);
    const failed = /^FAILED (.*)/m.exec(ended.stdout)?.[1];
    if (failed !== undefined) throw new Error(failed);
    if (ended.code === null) throw new Error(`the compiler did not end within ${seconds} s, or crashed`);
    if (ended.code !== 0) throw new Error(`the compiler ended with ${ended.code}: ${ended.stderr.trim().slice(-300)}`);
    const said = /^DRIVER (.*)/m.exec(ended.stdout)?.[1];
    return { ...ended, driver: said ? (JSON.parse(said) as { description: string }).description : 'unknown' };
  });
}

/** What `read` finds in the driver's log. */
export async function readLogOn(start: Start, wgsl: string, read: (log: string) => Figures): Promise<Measured> {
  const { driver, stdout, stderr } = await compileOn(start, wgsl);
  return { driver, figures: read(stdout + stderr) };
}

/** The last numbers in the log that the pattern's groups match: drivers compile shaders of their own before ours. */
export function last(log: string, pattern: RegExp): number[] {
  const found = [...log.matchAll(pattern)].at(-1);
  if (!found) throw new Error(`the driver's log has nothing like ${pattern.source}`);
  return found.slice(1).map(Number);
}
