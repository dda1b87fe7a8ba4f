/** What a run of the peers says: a table, a JSON file, and what is not as it has to be. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { nmse } from '../fixtures.mjs';
import { root } from '../load.mjs';

/** The largest NMSE that two sides may have, output by output. */
const BOUND = 1e-7;

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** Seconds of a frame after the cold one. */
const steadyOf = ({ frames }) => median(frames.slice(1));

/** NMSE by output: of each side against the reference run, and of each other side against the first. */
export function agreement(sides, expected) {
  const [first, ...others] = sides;
  const between = (a, b, step) => Object.fromEntries([...expected.keys()].map((name) => [name, nmse(a(name), b(name), step(name))]));
  const all = () => 1;
  return [
    ...sides.map(({ side, outputs }) => ({
      of: side,
      against: 'reference',
      nmse: between(
        (name) => outputs.get(name),
        (name) => expected.get(name).values,
        (name) => expected.get(name).step,
      ),
    })),
    ...others.map(({ side, outputs }) => ({
      of: side,
      against: first.side,
      nmse: between(
        (name) => outputs.get(name),
        (name) => first.outputs.get(name),
        all,
      ),
    })),
  ];
}

const seconds = (value) => (value < 0.9995 ? `${(1000 * value).toFixed(0)} ms` : `${value.toFixed(2)} s`);

export function printComparison({ name, sides, agreement: pairs }) {
  const engine = sides.find(({ side }) => side === 'engine');
  const rows = sides.map((side) => [
    side.side,
    side.backend ?? '',
    seconds(side.load),
    seconds(side.frames[0]),
    seconds(steadyOf(side)),
    engine ? `${(steadyOf(side) / steadyOf(engine)).toFixed(2)}x` : '',
    side.calls?.dispatches === undefined ? '' : String(side.calls.dispatches),
  ]);
  table([[name, 'backend', 'load', 'first', 'steady', 'time / engine', 'dispatches'], ...rows]);
  table([['worst NMSE', 'against', '', ''], ...pairs.map(({ of, against, nmse: errors }) => [of, against, ...worst(errors)])]);
}

function worst(errors) {
  const [name, error] = Object.entries(errors).reduce((a, b) => (b[1] <= a[1] ? a : b));
  return [name, error.toExponential(1)];
}

function table(rows) {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, c) => cell.padEnd(widths[c]))
        .join('  ')
        .trimEnd(),
    );
  console.log('');
}

/** Lines that say what is wrong; none when all is well. */
export function failures({ name, atLeast, against, sides, agreement: pairs }) {
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
export function asJson({ comparisons, ...settings }) {
  const { model } = cpus()[0];
  const machine = {
    cpu: model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
  };
  const plain = comparisons.map(({ sides, ...rest }) => ({
    ...rest,
    sides: sides.map(({ outputs: _, ...side }) => ({ ...side, steady: steadyOf(side) })),
  }));
  return `${JSON.stringify({ version: 1, date: new Date().toISOString(), commit: commit(), machine, ...settings, comparisons: plain }, null, 2)}\n`;
}

function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? ' and changes' : '');
  } catch {
    return 'unknown'; // not a checkout
  }
}
