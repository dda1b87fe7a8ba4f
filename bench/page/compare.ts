/** Several results side by side: what there is to compare, which is best, and how far the others are from it. */
import { SIZE } from '../../src/image/resize.ts';
import { adapterTitle, bytesText, milliseconds, rate, weightsTitle } from './format.ts';
import type { Part } from './pieces.ts';
import { isSkipped, type Measured } from './result.ts';

interface Row {
  readonly label: string;
  /** One a result, in their order; undefined where it was not measured. */
  readonly values: readonly (number | undefined)[];
  readonly text: (value: number) => string;
  /** What is better; nothing where neither is. */
  readonly better?: 'less' | 'more';
}

/** What tells one result from the other, one text a result. */
interface Fact {
  readonly label: string;
  readonly values: readonly string[];
}

const fps = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));
const whole = (value: number): string => value.toLocaleString('en');
const measured = <Value extends object>(
  value: Measured<Value> | undefined,
  read: (value: Value) => number | undefined,
): number | undefined => (!value || isSkipped(value) ? undefined : read(value));

/** The largest NMSE of a result's outputs. */
export function worstOf(nmse: Readonly<Record<string, number>>): { output: string; nmse: number } | undefined {
  const [worst] = Object.entries(nmse).sort((a, b) => b[1] - a[1]);
  return worst && { output: worst[0], nmse: worst[1] };
}

type Reading = readonly [label: string, read: (result: Part) => number | undefined, text: Row['text'], better?: Row['better']];

const READINGS: readonly Reading[] = [
  ['Latency p50', ({ serial }) => serial?.latency.p50, milliseconds, 'less'],
  ['Latency p95', ({ serial }) => serial?.latency.p95, milliseconds, 'less'],
  ['Latency p99', ({ serial }) => serial?.latency.p99, milliseconds, 'less'],
  ['Calls a second, serial', ({ serial }) => serial?.fps, fps, 'more'],
  ['Calls a second, pipelined', ({ pipelined }) => pipelined?.fps, fps, 'more'],
  ['Faces a second, pipelined', ({ pipelined, settings }) => pipelined && pipelined.fps * (settings?.batch ?? 1), fps, 'more'],
  ['Video frames a second', ({ video }) => measured(video, (series) => series.fps), fps, 'more'],
  ['First frame', ({ first }) => first, milliseconds, 'less'],
  ['Detection', ({ detection }) => detection?.serial.latency.p50, milliseconds, 'less'],
  ['Cold load', ({ load }) => load?.total, milliseconds, 'less'],
  ['Compiling', ({ load }) => load?.compile, milliseconds, 'less'],
  ['Kernels, sum', ({ kernels }) => measured(kernels, kernelSum), milliseconds, 'less'],
  ['Roof, GFLOP/s', ({ roofline }) => measured(roofline, ({ gflops }) => gflops), rate],
  ['Roof, GB/s', ({ roofline }) => measured(roofline, ({ gigabytesPerSecond }) => gigabytesPerSecond), rate],
  ['Worst NMSE', ({ correctness }) => measured(correctness, ({ nmse }) => worstOf(nmse)?.nmse), (value) => value.toExponential(1), 'less'],
  ['Dispatches', ({ plan }) => plan?.dispatches, whole, 'less'],
  ['Pipelines', ({ plan }) => plan?.pipelines, whole, 'less'],
  ['Multiply-adds', ({ plan }) => plan?.macs, (value) => `${(value / 1e9).toFixed(2)} G`, 'less'],
  ['Weights', ({ plan }) => plan?.weightBytes, bytesText, 'less'],
  ['Activations', ({ plan }) => plan?.activationBytes, bytesText, 'less'],
];

const kernelSum = ({ times }: { times: readonly { milliseconds: number; nodes: readonly string[] }[] }): number =>
  times.reduce((sum, { milliseconds: each, nodes }) => sum + each * nodes.length, 0);

/** What the results are of. */
export function factsOf(results: readonly Part[]): Fact[] {
  const fact = (label: string, read: (result: Part) => string | undefined): Fact => ({
    label,
    values: results.map((result) => read(result) ?? '–'),
  });
  return [
    fact('Adapter', ({ machine }) => machine && adapterTitle(machine)),
    fact('Browser', ({ machine }) => machine && browserTitle(machine.userAgent)),
    fact('Date', ({ date }) => date?.slice(0, 16).replace('T', ' ')),
    fact('Commit', ({ commit }) => commit?.replace(/^([0-9a-f]{10})[0-9a-f]*/, '$1')),
    fact('Weights', ({ weights }) => weights && weightsTitle(weights)),
    fact(
      'Settings',
      ({ settings, weights, tasks }) =>
        settings && weights && tasks && `${weights.dtype}, batch ${settings.batch}, ${tasks.length} task${tasks.length === 1 ? '' : 's'}`,
    ),
    fact('Frames', ({ serial }) => serial && String(serial.samples.length)),
  ];
}

/** Names what differs in the work of the results, so that their times do not compare. */
export function unlike(results: readonly Part[]): string[] {
  const work: Readonly<Record<string, (result: Part) => string | number | undefined>> = {
    form: ({ weights }) => weights?.form,
    encoder: ({ weights }) => weights && (weights.encoder ?? 'swin_b'),
    side: ({ weights }) => weights && (weights.side ?? SIZE),
    tasks: ({ tasks }) => tasks && [...tasks].sort().join(),
    batch: ({ settings }) => settings?.batch,
    type: ({ weights }) => weights?.dtype,
  };
  const kinds = (name: string) => new Set(results.map((result) => work[name]?.(result)).filter((value) => value !== undefined));
  return Object.keys(work).filter((name) => kinds(name).size > 1);
}

/** Every number that at least one of the results has. */
export function rowsOf(results: readonly Part[]): Row[] {
  return READINGS.map(([label, read, text, better]): Row => ({ label, values: results.map(read), text, ...(better && { better }) })).filter(
    ({ values }) => values.some((value) => value !== undefined),
  );
}

/** The number of the best value; undefined where nothing is better, or all read alike. */
export function bestOf({ values, text, better }: Pick<Row, 'values' | 'text' | 'better'>): number | undefined {
  const present = values.filter((value) => value !== undefined);
  if (!better || present.length < 2 || new Set(present.map(text)).size === 1) return undefined;
  return values.indexOf(better === 'less' ? Math.min(...present) : Math.max(...present));
}

/** `Chromium 156`, as far as a user agent tells it. */
export function browserTitle(userAgent: string): string {
  const [, name = '', version = ''] =
    /(Edg|OPR|Firefox|HeadlessChrome|Chrome)\/(\d+)/.exec(userAgent) ?? /(Version)\/(\d+)/.exec(userAgent) ?? [];
  const names: Readonly<Record<string, string>> = { Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'headless Chrome', Version: 'Safari' };
  return name ? `${names[name] ?? name} ${version}` : userAgent.slice(0, 40);
}
