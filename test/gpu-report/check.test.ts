/** When the check fails: worse than on record, not on record, beyond a bound. */
import { describe, expect, it } from 'vitest';
import { failures, type Outcome, regressions, violations } from '../../bench/gpu-report/check.ts';
import { GPUS } from '../../bench/gpu-report/gpus.ts';
import type { Figures } from '../../bench/gpu-report/measured.ts';

const GOOD: Figures = {
  registers: 100,
  spills: 0,
  scratch: 0,
  workgroupMemory: 8000,
  waves: 100,
  fmaShare: 0.98,
  fmaPerMemory: 15,
  loop: 254,
  instructions: 700,
  latency: 9000,
  busy: 3000,
};
const columns = GPUS['navi31']?.columns ?? [];
const outcomes = (entries: Record<string, Figures | string>): Map<string, Outcome> =>
  new Map(Object.entries(entries).map(([key, it]) => [key, typeof it === 'string' ? { failed: it } : { figures: it }]));
const compare = (was: Figures, now: Figures) =>
  regressions('navi31', columns, outcomes({ 'matmul A=1': was }), outcomes({ 'matmul A=1': now }));

describe('against the record', () => {
  const scaled = (figure: string, by: number) => ({ ...GOOD, [figure]: (GOOD[figure] as number) * by });

  it.each(['registers', 'workgroupMemory', 'instructions', 'latency', 'busy'])('%s may grow by 2 %%, not by 4 %%', (figure) => {
    expect(compare(GOOD, scaled(figure, 1.02))).toEqual([]);
    expect(compare(GOOD, scaled(figure, 1.04))).toHaveLength(1);
    expect(compare(GOOD, scaled(figure, 0.5))).toEqual([]);
  });

  it.each(['waves', 'fmaShare', 'fmaPerMemory'])('%s may shrink by 2 %%, not by 4 %%', (figure) => {
    expect(compare(GOOD, scaled(figure, 0.98))).toEqual([]);
    expect(compare(GOOD, scaled(figure, 0.96))).toHaveLength(1);
    expect(compare(GOOD, scaled(figure, 1.5))).toEqual([]);
  });

  it('one spill where there was none is one too many', () => {
    expect(compare(GOOD, { ...GOOD, spills: 1 })).toEqual(['navi31: matmul A=1: spills 1, on record 0']);
    expect(compare({ ...GOOD, spills: 1 }, GOOD)).toEqual([]);
  });

  it("the loop's length is told, not compared", () => {
    expect(compare(GOOD, { ...GOOD, loop: 9999 })).toEqual([]);
  });

  it('a pipeline that is not on record fails; one that is no longer run does not', () => {
    expect(regressions('navi31', columns, outcomes({ 'a A=1': GOOD }), outcomes({ 'a A=2': GOOD }))).toEqual([
      'navi31: a A=2 is not on record',
    ]);
    expect(regressions('navi31', columns, outcomes({ 'a A=1': GOOD, 'b B=1': GOOD }), outcomes({ 'a A=1': GOOD }))).toEqual([]);
  });

  it('a figure that is missing on either side is no pass', () => {
    const { waves: _, ...without } = GOOD;
    expect(compare(without, GOOD)).toHaveLength(1);
    expect(compare(GOOD, without)).toHaveLength(1);
  });

  it('a pipeline without figures is told as that', () => {
    const broken = outcomes({ 'a A=1': 'no such type' });
    expect(failures('navi31', broken)).toEqual(['navi31: a A=1 gives no figures: no such type']);
    expect(regressions('navi31', columns, outcomes({ 'a A=1': GOOD }), broken)).toEqual([]);
    expect(violations('navi31', broken)).toEqual([]);
  });
});

describe('the bounds', () => {
  const of = (gpu: string, kernel: string, figures: Partial<Figures>) =>
    violations(gpu, outcomes({ [`${kernel}  | A=1`]: { ...GOOD, waves: 8, ...(figures as Figures) } }));

  it('let no pipeline spill on RDNA3', () => {
    expect(of('navi31', 'layerNorm', {})).toEqual([]);
    expect(of('navi31', 'layerNorm', { spills: 1 })).toEqual(['navi31: layerNorm  | A=1: spills 1, it has to be 0 or less']);
  });

  it('hold products and convolutions to their arithmetic, at the bound itself', () => {
    const edge = { fmaShare: 0.85, fmaPerMemory: 6, waves: 12 };
    for (const kernel of ['matmul', 'matmulGathered', 'conv']) {
      expect(of('navi31', kernel, edge)).toEqual([]);
      expect(of('navi31', kernel, { ...edge, fmaShare: 0.849 })).toHaveLength(1);
      expect(of('navi31', kernel, { ...edge, fmaPerMemory: 5.9 })).toHaveLength(1);
      expect(of('navi31', kernel, { ...edge, waves: 11 })).toHaveLength(1);
    }
    expect(of('navi31', 'windowAttention', { fmaShare: 0.5, fmaPerMemory: 3, waves: 6 })).toEqual([]);
    const inFloat16 = 'matmul input=f32 weight=f16';
    expect(of('navi31', inFloat16, { ...edge, fmaShare: 0.85 })).toEqual([]);
    expect(of('navi31', inFloat16, { ...edge, fmaShare: 0.849 })).toHaveLength(1);
    expect(of('navi31', 'matmul input=f32 weight=f32', { ...edge, fmaShare: 0.849 })).toHaveLength(1);
    expect(of('navi31', 'windowAttention elem=f16', { fmaShare: 0.5, fmaPerMemory: 3, waves: 6 })).toEqual([]);
  });

  it('let no pipeline spill on any GPU whose compiler tells, and ask a figure that is not there', () => {
    for (const gpu of ['navi21', 'ga102', 'tgl', 'adreno740', 'mali-g610']) {
      expect(of(gpu, 'matmul', { fmaShare: 0 })).toEqual([]);
      expect(of(gpu, 'matmul', { spills: 152 })).toHaveLength(1);
      expect(violations(gpu, outcomes({ 'matmul A=1': { cycles: 1 } }))).toHaveLength(1);
    }
    expect(of('safari', 'matmul', { loops: 152 })).toEqual([]);
  });
});
