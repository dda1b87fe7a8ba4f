/** The GPUs of the report: what the adapter would call itself, how to measure for it, and which figures its compiler gives. */
import { unrolled } from '../../src/kernels/unroll.ts';
import { measureOnIntel } from './intel.ts';
import type { Measured } from './measured.ts';
import { measureOnNvk } from './nvk.ts';
import { measureOnAdreno, measureOnMali } from './phones.ts';
import { measureOnRadv } from './radv.ts';
import { measureOnSafari } from './safari.ts';
import { measureOnWgpu } from './wgpu.ts';
import { measureOnWindows } from './windows.ts';

export interface Column {
  readonly figure: string;
  readonly title: string;
  readonly digits?: number;
  /** Which way is better; a figure without it is told and not compared. */
  readonly better?: 'less' | 'more';
}

export interface Gpu {
  readonly title: string;
  /** The name that WebGPU gives the vendor; it decides the kernels. */
  readonly vendor: string;
  readonly columns: readonly Column[];
  /** False where the driver has no `shader-f16`, whatever the GPU has. */
  readonly float16?: false;
  /** Whether `--check` compares `matmul` with products that can do nothing else: where the compiler tells of loops. */
  readonly bare?: true;
  /** Which loops the browser writes out, all or those that ask for it; see `unrolled`. */
  readonly loops: 'all' | 'marked';
  measure(wgsl: string): Promise<Measured>;
}

/** What the GPU's compiler makes of a kernel as the browser gives it. */
export const measureOn = ({ loops, measure }: Gpu, wgsl: string): Promise<Measured> => measure(unrolled(wgsl, loops));

const less = (figure: string, title: string): Column => ({ figure, title, better: 'less' });
const more = (figure: string, title: string, digits = 0): Column => ({ figure, title, better: 'more', digits });

const IN_FULL: readonly Column[] = [
  less('registers', 'registers'),
  less('spills', 'spills'),
  less('scratch', 'scratch B'),
  less('workgroupMemory', 'LDS B'),
  more('waves', 'waves/SIMD'),
  more('fmaShare', 'FMA share', 3),
  more('fmaPerMemory', 'FMA/memory', 2),
  { figure: 'loop', title: 'loop' },
  less('instructions', 'instructions'),
];

const AMD: readonly Column[] = [...IN_FULL, less('latency', 'latency'), less('busy', 'busy')];

const NVIDIA = IN_FULL.map((column) => (column.figure === 'waves' ? { ...column, digits: 2 } : column)); // quarters of an SM's warps

const INTEL: readonly Column[] = [
  more('lanes', 'lanes'),
  less('spills', 'spills'),
  less('fills', 'fills'),
  { figure: 'fma', title: 'FMA' },
  less('sends', 'sends'),
  less('cycles', 'cycles'),
  less('instructions', 'instructions'),
];

const ADRENO: readonly Column[] = [
  less('registers', 'registers'),
  less('halfRegisters', 'half registers'),
  less('spills', 'spills'),
  less('workgroupMemory', 'LDS B'),
  { figure: 'fma', title: 'FMA' },
  less('nops', 'no-ops'),
  less('shortStalls', 'short stalls'),
  less('longStalls', 'long stalls'),
  less('instructions', 'instructions'),
];

const MALI: readonly Column[] = [
  less('spills', 'spills'),
  less('fills', 'fills'),
  more('threads', 'threads'),
  { ...less('cycles', 'cycles'), digits: 1 },
  { figure: 'fmaCycles', title: 'FMA cycles', digits: 2 },
  { ...less('loadStoreCycles', 'load/store cycles'), digits: 1 },
  less('instructions', 'instructions'),
];

const WINDOWS: readonly Column[] = [
  less('arrays', 'arrays'),
  less('workgroupMemory', 'LDS B'),
  { figure: 'loops', title: 'loops' },
  { figure: 'fma', title: 'FMA' },
  less('instructions', 'instructions'),
];

const SAFARI: readonly Column[] = [less('loops', 'loops'), { figure: 'bytes', title: 'bytes' }];

export const GPUS: Readonly<Record<string, Gpu>> = {
  navi31: {
    title: 'RDNA3 (Radeon RX 7900)',
    vendor: 'amd',
    columns: AMD,
    bare: true,
    loops: 'marked',
    measure: (wgsl) => measureOnRadv('navi31', wgsl),
  },
  navi21: {
    title: 'RDNA2 (Radeon RX 6800)',
    vendor: 'amd',
    columns: AMD,
    loops: 'marked',
    measure: (wgsl) => measureOnRadv('navi21', wgsl),
  },
  'navi31-wgpu': {
    title: 'RDNA3 as Firefox compiles for it',
    vendor: 'amd',
    columns: AMD,
    loops: 'all',
    measure: (wgsl) => measureOnWgpu('navi31', wgsl),
  },
  ga102: {
    title: 'NVIDIA Ampere (GeForce RTX 3090), by NVK',
    vendor: 'nvidia',
    columns: NVIDIA,
    float16: false,
    bare: true,
    loops: 'marked',
    measure: (wgsl) => measureOnNvk('0x172', wgsl),
  },
  tgl: {
    title: 'Intel Xe-LP (Tiger Lake)',
    vendor: 'intel',
    columns: INTEL,
    loops: 'marked',
    measure: (wgsl) => measureOnIntel('tgl', wgsl),
  },
  adreno740: {
    title: 'Adreno 740 (phones)',
    vendor: 'qualcomm',
    columns: ADRENO,
    loops: 'marked',
    measure: (wgsl) => measureOnAdreno('740', wgsl),
  },
  'mali-g610': {
    title: 'Mali-G610 (phones)',
    vendor: 'arm',
    columns: MALI,
    float16: false,
    loops: 'marked',
    measure: (wgsl) => measureOnMali('a867', wgsl),
  },
  windows: {
    title: "NVIDIA and AMD on Windows, as far as Chrome's HLSL compiler goes",
    vendor: 'nvidia',
    columns: WINDOWS,
    loops: 'all',
    measure: measureOnWindows,
  },
  'windows-intel': {
    title: "Intel on Windows, as far as Chrome's HLSL compiler goes",
    vendor: 'intel',
    columns: WINDOWS,
    loops: 'all',
    measure: measureOnWindows,
  },
  safari: {
    title: 'Apple, as Safari compiles for it',
    vendor: 'apple',
    columns: SAFARI,
    loops: 'all',
    measure: measureOnSafari,
  },
};
