/** What is not as it has to be: figures worse than the recorded ones, and figures beyond the project's bounds. */
import type { Column } from './gpus.ts';
import type { Figures } from './measured.ts';

/** A pipeline's figures, or why there are none. */
export type Outcome = { readonly figures: Figures } | { readonly failed: string };

export type Outcomes = ReadonlyMap<string, Outcome>;

/** How much worse than the record a figure may be, as a share of it. */
const SLACK = 0.03;

interface Bound {
  readonly gpus: readonly string[];
  /** Which it is for, by their names in records: kernel, machine shape, constants. */
  readonly pipelines: RegExp;
  readonly figure: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const ALL = /^/;
const PRODUCTS = /^(matmul|conv)/;
/**
 * Shares of two steps, whose loop compilers write out: the figures are of all that stands around it, too. A product of 49 x 1024 x 256 has 1,024
 * threads a share, so 32 shares are the fewest that give it 20,000; one of 18 x 256 x 2048 has 4,096, and wants 8; one of 18 x 2048 x 256 has 512, and
 * wants 64.
 */
const TWO_STEPS = /^matmul .*(INNER=2048 .*SHARES=64|INNER=1024 .*SHARES=32|INNER=256 .*SHARES=8)/;
const STEPS = new RegExp(`^(?!${TWO_STEPS.source.slice(1)})(matmul|conv)`);
const RDNA3 = ['navi31', 'navi31-wgpu'];
/** Those whose compilers tell of spills: all but Safari's. */
const TELLING = [...RDNA3, 'navi21', 'ga102', 'tgl', 'adreno740', 'mali-g610'];

export const BOUNDS: readonly Bound[] = [
  { gpus: TELLING, pipelines: ALL, figure: 'spills', atMost: 0 },
  { gpus: ['windows', 'windows-intel'], pipelines: ALL, figure: 'arrays', atMost: 0 },
  { gpus: RDNA3, pipelines: STEPS, figure: 'fmaShare', atLeast: 0.85 },
  { gpus: RDNA3, pipelines: TWO_STEPS, figure: 'fmaShare', atLeast: 0.75 },
  { gpus: RDNA3, pipelines: PRODUCTS, figure: 'fmaPerMemory', atLeast: 6 },
  { gpus: RDNA3, pipelines: PRODUCTS, figure: 'waves', atLeast: 12 },
];

const short = (value: number): string => String(Number(value.toFixed(3)));

/** A line for each pipeline without figures. */
export function failures(gpu: string, now: Outcomes): string[] {
  return [...now].flatMap(([key, outcome]) => ('failed' in outcome ? [`${gpu}: ${key} gives no figures: ${outcome.failed}`] : []));
}

/** A line for each figure beyond a bound. */
export function violations(gpu: string, now: Outcomes): string[] {
  const lines: string[] = [];
  for (const [key, outcome] of now)
    for (const { gpus, pipelines, figure, atLeast, atMost } of BOUNDS) {
      if ('failed' in outcome || !gpus.includes(gpu) || !pipelines.test(key)) continue;
      const value = outcome.figures[figure] ?? Number.NaN;
      if (atLeast !== undefined && !(value >= atLeast))
        lines.push(`${gpu}: ${key}: ${figure} ${short(value)}, it has to be ${atLeast} or more`);
      if (atMost !== undefined && !(value <= atMost))
        lines.push(`${gpu}: ${key}: ${figure} ${short(value)}, it has to be ${atMost} or less`);
    }
  return lines;
}

/** A line for each figure that is more than 3 % worse than on record, and for each pipeline that is not on record. */
export function regressions(gpu: string, columns: readonly Column[], recorded: Outcomes, now: Outcomes): string[] {
  return [...now].flatMap(([key, outcome]) => {
    const was = recorded.get(key);
    if (!was) return [`${gpu}: ${key} is not on record`];
    if ('failed' in outcome || 'failed' in was) return []; // the one is told as a failure, the other got better
    return columns
      .filter(({ figure, better }) => worse(better, was.figures[figure], outcome.figures[figure]))
      .map(({ figure }) => `${gpu}: ${key}: ${figure} ${short(outcome.figures[figure] ?? Number.NaN)}, on record ${was.figures[figure]}`);
  });
}

function worse(better: Column['better'], was: number | undefined, now: number | undefined): boolean {
  if (better === undefined) return false;
  if (was === undefined || now === undefined) return true; // nothing to compare is no pass
  return better === 'less' ? !(now <= was * (1 + SLACK)) : !(now >= was * (1 - SLACK));
}
