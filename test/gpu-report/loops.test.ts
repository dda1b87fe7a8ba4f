/** The instruction mix, from assembly as the compilers print it. */
import { describe, expect, it } from 'vitest';
import { readIntelLog } from '../../bench/gpu-report/intel.ts';
import { hottest, type Instruction, type Kind, type Program } from '../../bench/gpu-report/loops.ts';
import { readLog, readAssembly as readNvidia, warpsPerSimd } from '../../bench/gpu-report/nvk.ts';
import { readAdrenoLog, readMaliLog } from '../../bench/gpu-report/phones.ts';
import { readAssembly as readAmd, readStatistics } from '../../bench/gpu-report/radv.ts';
import { readMetal } from '../../bench/gpu-report/safari.ts';
import { readRadvLog } from '../../bench/gpu-report/wgpu.ts';
import { readDxil } from '../../bench/gpu-report/windows.ts';

/** `'outer: vector, inner: fma memory, >inner, !>outer'`: kinds, labels and jumps, those with `!` without a condition; `end` ends. */
function program(text: string): Program {
  const labels = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const word of text.split(/\s+/)) {
    const jump = /^(!?)>(\w+)$/.exec(word);
    if (word.endsWith(':')) labels.set(word.slice(0, -1), instructions.length);
    else if (jump) instructions.push({ kinds: ['scalar'], target: jump[2], ends: jump[1] === '!' });
    else if (word === 'end') instructions.push({ kinds: ['scalar'], ends: true });
    else instructions.push({ kinds: word.split('+') as Kind[] });
  }
  return { instructions, labels };
}

describe('the hottest loop', () => {
  it('is the one with most multiply-adds of its own, loops inside it left out', () => {
    const nested = program('vector outer: fma memory inner: fma fma fma workgroup vector >inner fma >outer vector');
    expect(hottest(nested)).toEqual({ instructions: 6, fmaShare: 0.75, fmaPerMemory: 3 });
    const around = program('outer: fma fma fma memory inner: fma vector >inner fma memory >outer');
    expect(hottest(around)).toEqual({ instructions: 7, fmaShare: 1, fmaPerMemory: 2 });
  });

  it('ends at the last jump to its label, and a jump forward makes none', () => {
    expect(hottest(program('top: fma >top vector >top vector')).instructions).toBe(4);
    expect(hottest(program('fma >end vector end: vector'))).toMatchObject({ instructions: 4, fmaShare: 1 / 3 });
  });

  it('has nothing of the code that leaves it, though that lies before its end', () => {
    const inside = program('vector top: fma fma memory >more vector vector vector memory end more: vector !>top');
    expect(hottest(inside)).toEqual({ instructions: 6, fmaShare: 2 / 3, fmaPerMemory: 2 });
    const inner = program('outer: vector inner: fma memory >on >off end on: fma !>inner off: vector !>outer');
    expect(hottest(inner)).toMatchObject({ instructions: 5, fmaShare: 1 });
  });

  it('is no jump back into code that is reached otherwise', () => {
    const cold = program('fma >cold join: fma fma memory end cold: vector vector !>join');
    expect(hottest(cold)).toMatchObject({ instructions: 9, fmaShare: 3 / 5 });
  });

  it('is the whole program where no loop multiplies and adds', () => {
    const unrolled = program('clear: workgroup vector >clear fma fma memory');
    expect(hottest(unrolled)).toEqual({ instructions: 6, fmaShare: 2 / 3, fmaPerMemory: 1 });
  });

  it('counts both halves of a pair, and an access at least, so that nothing is divided by zero', () => {
    expect(hottest(program('fma+fma fma+vector'))).toEqual({ instructions: 2, fmaShare: 0.75, fmaPerMemory: 3 });
    expect(hottest(program('scalar'))).toEqual({ instructions: 1, fmaShare: 0, fmaPerMemory: 0 });
  });
});

const AMD = `BB0:
\ts_load_b128 s[0:3], s[0:1], null                           ; f4080000 f8000000
\tv_mov_b32_e32 v1, 0                                        ; 7e020280
BB2:
\tds_load_b128 v[4:7], v1                                    ; db7c0000 04000001
\tbuffer_load_b128 v[8:11], v2, s[0:3], 0 offen              ; e05c0000
\ts_waitcnt lgkmcnt(0)                                       ; bf89fc07
\tv_dual_fmac_f32 v12, v4, v8 :: v_dual_fmac_f32 v13, v5, v8 ; c8000000
\tv_dual_fmac_f32 v14, v6, v8 :: v_dual_mov_b32 v1, v3       ; c8000000
\tv_fma_f32 v15, v7, v8, v15                                 ; d6130000
\ts_cbranch_scc0 BB2                                         ; bfa1000a
BB3:
\ts_endpgm                                                   ; bfb00000
`;

describe("AMD's assembly", () => {
  it('is read with its pairs, labels and jumps', () => {
    const { instructions, labels } = readAmd(AMD);
    expect(instructions).toHaveLength(10);
    expect(labels.get('BB2')).toBe(2);
    expect(instructions.map(({ kinds }) => kinds.join('+'))).toEqual([
      'constant',
      'vector',
      'workgroup',
      'memory',
      'wait',
      'fma+fma',
      'fma+vector',
      'fma',
      'scalar',
      'scalar',
    ]);
    expect(hottest(readAmd(AMD))).toEqual({ instructions: 7, fmaShare: 0.8, fmaPerMemory: 2 });
  });

  it('comes with statistics, all of which have to be there', () => {
    const stats = [
      'VGPRs=120',
      'Spilled SGPRs=9',
      'Spilled VGPRs=3',
      'Scratch size=64',
      'LDS size=7680',
      'Subgroups per SIMD=8',
      'Latency=900',
      'Inverse Throughput=300',
    ];
    const text = (lines: string[]) => `driver Null, Mesa 25\nsubgroup 64\n${lines.map((s) => `stat ${s}`).join('\n')}\nassembly\n${AMD}`;
    expect(readStatistics(text([...stats, 'Instructions=695']))).toEqual({
      driver: 'Null, Mesa 25',
      figures: {
        registers: 120,
        spills: 3,
        scratch: 64,
        workgroupMemory: 7680,
        waves: 8,
        fmaShare: 0.8,
        fmaPerMemory: 2,
        loop: 7,
        instructions: 695,
        latency: 900,
        busy: 300,
      },
    });
    expect(() => readStatistics(text(stats))).toThrow('the driver gives no Instructions');
  });

  it('is the last one of a log of several shaders', () => {
    const stats = [
      'VGPRs: 96',
      'Spilled VGPRs: 0',
      'LDS size: 512',
      'Scratch size: 0',
      'Subgroups per SIMD: 10',
      'Instructions: 9',
      'Latency: 80',
      'Inverse Throughput: 20',
    ];
    const shader = (lines: string[]) => `shader: MESA_SHADER_COMPUTE\ndisasm:\n${AMD}\n*** SHADER STATS ***\n${lines.join('\n')}\n`;
    const log = shader(['VGPRs: 4']) + shader(stats);
    expect(readRadvLog(log)).toMatchObject({
      registers: 96,
      spills: 0,
      workgroupMemory: 512,
      waves: 10,
      fmaShare: 0.8,
      loop: 7,
      latency: 80,
      busy: 20,
    });
    expect(() => readRadvLog(log + shader(['VGPRs: 4']))).toThrow('the driver gives no Spilled VGPRs');
  });
});

const NVIDIA = `workgroup_size: 64, 1, 1
shared_size: 7680
NAK IR after assign_regs:
      r9        = ffma r1 r2 r3 // an earlier state
NAK IR after calc_instr_deps:
block.u 0 L0 [] -> {
      r1        = s2r sr[0x21]                             // wr:0
} -> [1]
block 1 L2 [0, 1] -> {
      r4..8     = ld.shared.strong.cta.b128 [r1+0xe00]      // wt=000011
      r9        = ld.global.b32 [r2]
      r10       = ffma r4 r9 r10                            // rd:1
@p0   r11       = ffma r5 r9 r11
      r1        = iadd3 r1 r2 rZ
                  st.local.b32 [0x0] r10
@!p0              bra L2                                    // wt=111111
} -> [2]
Stage: compute
Instruction count: 8
Num GPRs: 156
SLM size: 16
Encoded shader:
`;

describe("NVIDIA's log", () => {
  it('is read in its last state, with a summary', () => {
    const last = NVIDIA.split('calc_instr_deps:')[1] ?? '';
    expect(readNvidia(last).labels.get('L2')).toBe(1);
    expect(readLog(NVIDIA)).toEqual({
      registers: 156,
      spills: 1,
      scratch: 16,
      workgroupMemory: 7680,
      waves: 3,
      fmaShare: 2 / 3,
      fmaPerMemory: 2 / 3,
      loop: 7,
      instructions: 8,
    });
    expect(() => readLog('nothing')).toThrow('Num GPRs');
  });

  it('bounds the warps by registers, workgroup memory and the number of workgroups', () => {
    expect(warpsPerSimd(32, 0, 256)).toBe(12);
    expect(warpsPerSimd(128, 0, 256)).toBe(4);
    expect(warpsPerSimd(32, 0, 64)).toBe(8);
    expect(warpsPerSimd(32, 32_768, 256)).toBe(6);
  });
});

describe("Intel's log", () => {
  const native = (summary: string) => `Native code for unnamed compute shader (null)
SIMD16 shader: ${summary}
   START B0 (1 cycles)
mad(16)         g10<1>F         g12<8,8,1>F     g14<8,8,1>F     g16<1,1,1>F { align1 1H };
(+f0.0) mad(16) g18<1>F         g12<8,8,1>F     g14<8,8,1>F     g16<1,1,1>F { align1 1H };
mul(16)         g20<1>F         g12<8,8,1>F     g14<8,8,1>F { align1 1H };
`;

  it('is read of the last shader', () => {
    const first = native('9 instructions. 0 loops. 40 cycles. 0:0 spills:fills, 3 sends, scheduled with mode top-down.');
    const log = first + native('5770 instructions. 2 loops. 350536 cycles. 263:408 spills:fills, 254 sends, scheduled with mode none.');
    expect(readIntelLog(log)).toEqual({ lanes: 16, spills: 263, fills: 408, fma: 2, sends: 254, cycles: 350536, instructions: 5770 });
    expect(() => readIntelLog('nothing')).toThrow('spills:fills');
  });
});

describe("the phones' logs", () => {
  const adreno = (stats: string) => `MESA: info: shared_size: 512
MESA: info: ; CL prog 1/1: 9 instr, 1 nops, 8 non-nops
MESA: info: (sy)stp.f32 p[r1.x], r2.x, 1
MESA: info: ldp.u32 r2.x, p[r1.x], 1
MESA: info: ; CL prog 18/1: 1246 instr, 438 nops, 808 non-nops, 105 mov, 3 cov, 1408 dwords
MESA: info: ; CL prog 18/1: 0 last-baryf, 0 last-helper, 6 half, 32 full, 8 constlen
MESA: info: ; CL prog 18/1: 471 cat0, 108 cat1, 340 cat2, 241 cat3, 0 cat4, 16 cat5, 62 cat6, 8 cat7
${stats}`;

  it('tell of the last program', () => {
    expect(readAdrenoLog(adreno('; CL prog 18/1: 262 sstall, 107 (ss), 539 systall, 22 (sy), 5 loops'))).toEqual({
      registers: 32,
      halfRegisters: 6,
      spills: 2,
      workgroupMemory: 512,
      fma: 241,
      nops: 438,
      shortStalls: 262,
      longStalls: 539,
      instructions: 1246,
    });
    expect(() => readAdrenoLog(adreno(''))).toThrow('sstall');
  });

  it('tell of spills and fills', () => {
    const summary =
      'SHADER-DB: MESA_SHADER_COMPUTE shader: 1704 inst, 842.000000 cycles, 4.375000 fma, 7.609375 cvt, 5.750000 sfu, 0.000000 v, ' +
      '0.000000 t, 842.000000 ls, 856 quadwords, 1 threads, 6 loops, 157:622 spills:fills';
    expect(readMaliLog(summary)).toEqual({
      spills: 157,
      fills: 622,
      threads: 1,
      cycles: 842,
      fmaCycles: 4.375,
      loadStoreCycles: 842,
      instructions: 1704,
    });
    expect(() => readMaliLog('killed')).toThrow('shader');
  });
});

it('loops are counted in the Metal text of Safari', () => {
  const loop = (body: string) =>
    `{ volatile uint32_t __wgslEnsureForwardProgress = 0; if (!__wgslEnsureForwardProgress) for (unsigned i = 0u; (i < 8u); i++) { if (++__wgslEnsureForwardProgress == 4294967295u) break; ${body} }}`;
  const text = loop(loop('x;')) + loop('y;');
  expect(readMetal(text)).toEqual({ loops: 3, bytes: text.length });
  expect(readMetal('y;')).toEqual({ loops: 0, bytes: 2 });
});

it("Windows' log is read for arrays in memory, jumps back and products that are fused", () => {
  const log = `/* Dumped generated HLSL */
  float v[4] = alloca [4 x float]
/* Dumped disassembled DXIL */
; NumBytesGroupSharedMemory: 6656
define void @main() {
  %1 = alloca [16 x float], align 4
  br label %2

; <label>:2                                       ; preds = %2, %0
  %3 = call float @dx.op.tertiary.f32(i32 46, float %a, float %b, float %c)  ; FMad(a,b,c)
  %4 = call i32 @dx.op.tertiary.i32(i32 48, i32 %a, i32 %b, i32 %c)  ; IMad(a,b,c)
  store float %3, float* %d
  br i1 %e, label %5, label %2

; <label>:5                                       ; preds = %2
  ret void
}
attributes #0 = { nounwind }
  %6 = alloca [16 x float], align 4
`;
  expect(readDxil(log)).toEqual({ arrays: 1, workgroupMemory: 6656, loops: 1, fma: 1, instructions: 7 });
  expect(() => readDxil('nothing')).toThrow('DXIL');
});
