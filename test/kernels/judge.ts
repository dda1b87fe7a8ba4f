/** Runs a kernel's case and says how far it is from its float64 twin: in the page, where the arrays are, or in Node on Dawn. */

import { nmse } from '../../src/tune/nmse.ts';
import { type Bound, type KernelCase, SENTINEL } from './run.ts';

export interface Verdict {
  name: string;
  length: number;
  nmse: number;
  maxAbs: number;
  /** Where the greatest difference is. */
  worst: { index: number; actual: number; expected: number } | undefined;
  /** The first element that the kernel never wrote. */
  firstSentinel: number | undefined;
  bound: Bound;
  milliseconds: number;
  /** What is wrong, one thing per line; empty when the case holds. */
  faults: string[];
  /** Why the case was not run. */
  skipped?: string;
}

/** Which features the case needs and the GPU lacks, as a reason to skip it; undefined where it can run. */
export function lacking({ features = [], lanes }: KernelCase, adapter: Pick<GPUAdapter, 'features' | 'info'>): string | undefined {
  const missing: string[] = features.filter((feature) => !adapter.features.has(feature));
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  if (lanes && !(subgroupMinSize === lanes && subgroupMaxSize === lanes)) missing.push(`subgroups of ${lanes} lanes`);
  return missing.length > 0 ? `the adapter lacks ${missing.join(' and ')}` : undefined;
}

export async function judge(device: GPUDevice, kernelCase: KernelCase): Promise<Verdict> {
  const { bound } = kernelCase;
  for (const filter of SCOPES) device.pushErrorScope(filter);
  const start = performance.now();
  const outcome = await kernelCase.run(device).catch((error: unknown) => error);
  const milliseconds = performance.now() - start;
  const faults: string[] = [];
  for (const _ of SCOPES) {
    const error = await device.popErrorScope();
    if (error) faults.push(`GPU error: ${error.message}`);
  }
  const failed = { ...notRun(kernelCase), milliseconds, faults };
  if (!isPair(outcome)) {
    faults.push(outcome instanceof Error ? `${outcome}\n${outcome.stack ?? ''}` : String(outcome));
    return failed;
  }
  const { actual, expected } = outcome;
  const firstSentinel = sentinelIn(actual);
  if (firstSentinel !== undefined) faults.push(`element ${firstSentinel} was never written`);
  if (actual.length !== expected.length) {
    faults.push(`${actual.length} values, ${expected.length} expected`);
    return failed;
  }
  if (actual.length === 0) faults.push('no values');
  const measured = { ...difference(actual, expected), nmse: nmse(actual, expected) };
  faults.push(...exceeded(measured, bound));
  return { ...failed, ...measured, firstSentinel, length: actual.length };
}

/** The case of that name, judged in a page on a device of its own: default limits, no features but the case's own. */
export async function judgeInPage(cases: readonly KernelCase[], name: string): Promise<Verdict> {
  const kernelCase = cases.find((one) => one.name === name);
  if (!kernelCase) throw new Error(`no case ${name}`);
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('no adapter');
  const skipped = lacking(kernelCase, adapter);
  if (skipped) return { ...notRun(kernelCase), skipped };
  const device = await adapter.requestDevice({ requiredFeatures: [...(kernelCase.features ?? [])] });
  const uncaptured: string[] = [];
  device.onuncapturederror = ({ error }) => uncaptured.push(`GPU error that nobody caught: ${error.message}`);
  const verdict = await judge(device, kernelCase);
  device.destroy();
  return { ...verdict, faults: [...verdict.faults, ...uncaptured] };
}

const notRun = ({ name, bound }: KernelCase): Verdict => ({
  ...{ name, bound, milliseconds: 0, faults: [] },
  ...{ length: 0, nmse: NaN, maxAbs: NaN, worst: undefined, firstSentinel: undefined },
});

const SCOPES = ['validation', 'out-of-memory', 'internal'] as const;

function isPair(value: unknown): value is { actual: ArrayLike<number>; expected: ArrayLike<number> } {
  return typeof value === 'object' && value !== null && 'actual' in value && 'expected' in value;
}

function sentinelIn(actual: ArrayLike<number>): number | undefined {
  if (!ArrayBuffer.isView(actual) || actual.byteOffset % 4 !== 0) return undefined;
  const index = new Uint32Array(actual.buffer, actual.byteOffset, actual.byteLength >> 2).indexOf(SENTINEL);
  return index < 0 ? undefined : index;
}

/** The greatest absolute difference; a NaN counts as the greatest of all. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): Pick<Verdict, 'maxAbs' | 'worst'> {
  let maxAbs = -1;
  let worst: Verdict['worst'];
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] as number;
    const b = expected[i] as number;
    const distance = Object.is(a, b) ? 0 : Math.abs(a - b);
    if (distance <= maxAbs) continue;
    maxAbs = distance;
    worst = { index: i, actual: a, expected: b };
    if (Number.isNaN(distance)) break;
  }
  return { maxAbs, worst };
}

function exceeded({ nmse, maxAbs, worst }: Pick<Verdict, 'nmse' | 'maxAbs' | 'worst'>, bound: Bound): string[] {
  const at = worst ? ` (element ${worst.index}: ${worst.actual}, expected ${worst.expected})` : '';
  if (bound === 'exact') return maxAbs === 0 ? [] : [`not equal${at}`];
  const faults: string[] = [];
  if (!(nmse <= bound.nmse)) faults.push(`NMSE ${nmse.toExponential(2)} over ${bound.nmse}${at}`);
  if (bound.maxAbs !== undefined && !(maxAbs <= bound.maxAbs)) faults.push(`difference ${maxAbs} over ${bound.maxAbs}${at}`);
  return faults;
}
