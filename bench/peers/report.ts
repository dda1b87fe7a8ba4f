/** What a run of the peers says: a table, a JSON file, and what is not as it has to be. */
import { cpus, loadavg, totalmem } from 'node:os';
import { nmse } from '../../src/tune/nmse.ts';
import type { Expected } from '../../tools/fixtures.ts';
import { writeJson } from '../../tools/terminal/write.ts';
import { commit } from '../commit.ts';
import type { Timed } from './side.ts';

interface NamedSide extends Timed {
  readonly side: string;
  readonly backend: string;
  readonly outputs: ReadonlyMap<string, Float32Array>;
}

/** NMSE by output between two sides, or a side and the reference run. */
interface Agreement {
  readonly of: string;
  readonly against: string;
  readonly nmse: Readonly<Record<string, number>>;
}

interface Comparison {
  readonly name: string;
  /** How many times faster than the side `against` the engine has to be. */
  readonly atLeast: number;
  readonly against: string;
  readonly sides: readonly NamedSide[];
  readonly agreement: readonly Agreement[];
}

/** The largest NMSE that two sides may have, output by output. */
const BOUND = 1e-7;

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return ((sorted[half] as number) + (sorted[sorted.length % 2 ? half : half - 1] as number)) / 2;
}

/** Seconds of a frame after the cold one. */
export const steadyOf = ({ frames }: { readonly frames: readonly number[] }): number => median(frames.slice(1));

/** Compares each side with the reference run, and each other side with the first. */
export function agreement(sides: readonly Pick<NamedSide, 'side' | 'outputs'>[], expected: ReadonlyMap<string, Expected>): Agreement[] {
  const [first, ...others] = sides;
  const each = (error: (name: string, wanted: Expected) => number) =>
    Object.fromEntries([...expected].map(([name, wanted]) => [name, error(name, wanted)]));
  const output = ({ side, outputs }: Pick<NamedSide, 'side' | 'outputs'>, name: string): Float32Array => {
    const values = outputs.get(name);
    if (!values) throw new Error(`${side} gave no ${name}.`);
    return values;
  };
  return [
    ...sides.map((side) => ({
      of: side.side,
      against: 'reference',
      nmse: each((name, { values, step }) => nmse(output(side, name), values, step)),
    })),
    ...others.map((side) => ({
      of: side.side,
      against: first?.side ?? '',
      nmse: each((name) => nmse(output(side, name), first ? output(first, name) : [])),
    })),
  ];
}

const seconds = (value: number): string => (value < 0.9995 ? `${(1000 * value).toFixed(0)} ms` : `${value.toFixed(2)} s`);

export function printComparison({ name, sides, agreement: pairs }: Comparison): void {
  const engine = sides.find(({ side }) => side === 'engine');
  const rows = sides.map((side) => [
    side.side,
    side.backend,
    seconds(side.load),
    seconds(side.frames[0] as number),
    seconds(steadyOf(side)),
    engine ? `${(steadyOf(side) / steadyOf(engine)).toFixed(2)}x` : '',
    String(side.calls?.dispatches ?? ''),
  ]);
  table([[name, 'backend', 'load', 'first', 'steady', 'time / engine', 'dispatches'], ...rows]);
  table([['worst NMSE', 'against', '', ''], ...pairs.map(({ of, against, nmse: errors }) => [of, against, ...worst(errors)])]);
}

function worst(errors: Agreement['nmse']): [string, string] {
  const [name, error] = Object.entries(errors).reduce((a, b) => (b[1] <= a[1] ? a : b));
  return [name, error.toExponential(1)];
}

function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => (row[c] as string).length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, c) => cell.padEnd(widths[c] as number))
        .join('  ')
        .trimEnd(),
    );
  console.log('');
}

/** Lines that say what is wrong; none when all is well. */
export function failures({
  name,
  atLeast,
  against,
  sides,
  agreement: pairs,
}: Pick<Comparison, 'name' | 'atLeast' | 'against' | 'agreement'> & {
  readonly sides: readonly { readonly side: string; readonly frames: readonly number[] }[];
}): string[] {
  const lines = pairs.flatMap(({ of, against: other, nmse: errors }) =>
    Object.entries(errors)
      .filter(([, error]) => !(error <= BOUND))
      .map(
        ([output, error]) =>
          `${name}: ${of} and ${other} differ by NMSE ${error.toExponential(1)} in ${output}; at most ${BOUND} is allowed`,
      ),
  );
  const [engine, peer] = ['engine', against].map((wanted) => sides.find(({ side }) => side === wanted));
  const ratio = engine && peer ? steadyOf(peer) / steadyOf(engine) : Number.POSITIVE_INFINITY;
  if (!(ratio >= atLeast)) lines.push(`${name}: ${ratio.toFixed(2)} times as fast as ${against}; it has to be ${atLeast} times`);
  return lines;
}

/** Versioned; outputs themselves are left out. */
export function writeReport(path: string, settings: object, comparisons: readonly Comparison[]): void {
  const processors = cpus();
  const machine = {
    cpu: processors[0]?.model,
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    loadAverage: loadavg(),
  };
  const plain = comparisons.map(({ sides, ...rest }) => ({
    ...rest,
    sides: sides.map(({ outputs: _, ...side }) => ({ ...side, steady: steadyOf(side) })),
  }));
  writeJson(path, { version: 1, date: new Date().toISOString(), commit: commit(), machine, ...settings, comparisons: plain });
}
