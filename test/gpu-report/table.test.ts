/** The report as text, and the list of what it is about. */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../bench/gpu-report/check.ts';
import { type Pipeline, pipelinesOf, type Wanted } from '../../bench/gpu-report/pipelines.ts';
import { atMost } from '../../bench/gpu-report/processes.ts';
import { asJson } from '../../bench/gpu-report/record.ts';
import { bindingsIn, disassemblyIn } from '../../bench/gpu-report/spirv.ts';
import { markdown, padded, rowsOf } from '../../bench/gpu-report/table.ts';

const columns = [
  { figure: 'registers', title: 'registers' },
  { figure: 'share', title: 'FMA share', digits: 3 },
];
const pipelines = [
  { key: 'matmul N=8 | A=1', kernel: 'matmul', dispatches: 18, macs: 2_500_000 },
  { key: 'argmax  | B=2', kernel: 'argmax', dispatches: 1, macs: 0 },
  { key: 'new  | C=3', kernel: 'new', dispatches: 1, macs: 0 },
];
const outcomes = new Map<string, Outcome>([
  ['matmul N=8 | A=1', { figures: { registers: 120, share: 0.98765 } }],
  ['argmax  | B=2', { failed: 'a reason' }],
]);
const rows = rowsOf(columns, pipelines, outcomes);

describe('the table', () => {
  it('has a row a pipeline, with the figures that there are', () => {
    expect(rows).toEqual([
      ['pipeline', 'runs', 'M mul-adds', 'registers', 'FMA share'],
      ['matmul N=8 A=1', '18', '2.5', '120', '0.988'],
      ['argmax B=2', '1', '0.0', 'no figures', ''],
      ['new C=3', '1', '0.0', 'not measured', ''],
    ]);
  });

  it('is padded for the terminal, and Markdown for the documentation', () => {
    const lines = padded(rows).split('\n');
    expect(lines[1]).toBe('matmul N=8 A=1    18         2.5           120      0.988');
    expect(lines[2]).toBe('argmax B=2         1         0.0    no figures');
    expect(markdown(rows).split('\n').slice(0, 3)).toEqual([
      '| pipeline | runs | M mul-adds | registers | FMA share |',
      '|---|---:|---:|---:|---:|',
      '| matmul N=8 A=1 | 18 | 2.5 | 120 | 0.988 |',
    ]);
    expect(markdown([['a|b'], ['c']])).toContain('| a\\|b |');
  });

  it('is recorded a pipeline a line, as JSON', () => {
    const row = { kernel: 'matmul', dispatches: 18, macs: 5, figures: { share: 0.123456 } };
    const part = { date: '2026-11-24', machine: 'm', driver: 'd', seconds: 3, pipelines: { 'a | b': row, c: { ...row, failed: '"' } } };
    const text = asJson({ version: 1, gpus: { navi31: part } });
    expect(text.split('\n').filter((line) => line.includes('"kernel"'))).toHaveLength(2);
    expect(JSON.parse(text).gpus.navi31).toEqual({
      ...part,
      pipelines: { 'a | b': { ...row, figures: { share: 0.1235 } }, c: { ...row, figures: { share: 0.1235 }, failed: '"' } },
    });
  });
});

describe('the pipelines', async () => {
  const of = (wanted?: Wanted) => pipelinesOf({ vendor: 'amd' }, wanted);
  const [released, paper, float32, float16, all] = await Promise.all([
    of({ forms: ['released'] }),
    of({ forms: ['paper'] }),
    of({ dtypes: ['f32'] }),
    of({ dtypes: ['f16'] }),
    of(),
  ]);
  const keys = (list: readonly Pipeline[]) => list.map(({ key }) => key);

  it('are each there once, of both forms and both element types', () => {
    expect(new Set(keys(all)).size).toBe(all.length);
    expect(new Set(keys(all))).toEqual(new Set([...keys(released), ...keys(paper)]));
    expect(all.length).toBeGreaterThan(released.length);
    expect(new Set(keys(all))).toEqual(new Set([...keys(float32), ...keys(float16)]));
  });

  it('are those of float32 first, and of each type the one with most work', () => {
    expect(keys(all).slice(0, float32.length)).toEqual(keys(float32));
    for (const list of [float32, float16]) {
      const macs = list.map((pipeline) => pipeline.macs);
      expect(macs).toEqual(macs.toSorted((a, b) => b - a));
    }
    const types = (list: readonly Pipeline[]) => list.filter(({ key }) => /=f16/.test(key)).length;
    expect(types(float32)).toBe(0);
    expect(types(float16)).toBeGreaterThan(40);
  });

  it('are WGSL with every constant written in', () => {
    for (const { wgsl, kernel } of all) {
      expect(wgsl).not.toMatch(/^override/m);
      expect(wgsl).toContain(`fn ${kernel}(`);
    }
  });
});

describe("Dawn's dump", () => {
  const text = `               OpEntryPoint GLCompute %9 "dawn_entry_point" %1
               OpDecorate %1 Binding 0
               OpDecorate %2 Binding 1
               OpDecorate %3 Binding 2
               OpDecorate %4 Binding 4
      %image = OpTypeImage %float 2D 0 0 0 1 Unknown
      %store = OpTypeImage %float 2D 0 0 0 2 Rgba8
    %sampler = OpTypeSampler
 %pointer_im = OpTypePointer UniformConstant %image
 %pointer_st = OpTypePointer UniformConstant %store
 %pointer_sa = OpTypePointer UniformConstant %sampler
          %1 = OpVariable %pointer_im UniformConstant
          %2 = OpVariable %pointer_sa UniformConstant
          %3 = OpVariable %pointer_st UniformConstant
          %4 = OpVariable %_ptr_StorageBuffer_s StorageBuffer
               OpFunctionEnd`;

  it('is taken out of the log, without warnings and what the assembler does not know', () => {
    const log = `info:\n/* Dumped SPIRV disassembly */\n; SPIR-V\n${text.replace('\n', '\nWarning: a limit was reduced\n OpExecutionMode %9 MaximallyReconvergesKHR\n')}\n`;
    expect(disassemblyIn(log)).toBe(text);
    expect(disassemblyIn(log.replace('OpFunctionEnd', 'OpFuWarning: cut'))).toBeUndefined();
    expect(disassemblyIn('nothing')).toBeUndefined();
  });

  it('tells textures, samplers and buffers apart; an unused number counts as a buffer', () => {
    expect(bindingsIn(text)).toBe('tmwss');
    expect(bindingsIn('OpDecorate %1 Binding 0\n%1 = OpVariable %p Uniform')).toBe('u');
  });
});

it('works on a few at a time and keeps their order', async () => {
  let busy = 0;
  let most = 0;
  const results = await atMost(2, [30, 5, 20, 1], async (milliseconds) => {
    most = Math.max(most, ++busy);
    await new Promise((done) => setTimeout(done, milliseconds));
    busy--;
    return milliseconds;
  });
  expect(results).toEqual([30, 5, 20, 1]);
  expect(most).toBe(2);
});
