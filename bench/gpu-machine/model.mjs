/** Fits a dispatch's time to what was measured of each: `npm run gpu-model -- [FILE.tsv...]`, tables that the steps `engine` and `paper` write. */
import { readFileSync } from 'node:fs';
import { root } from '../../tools/load.mjs';
import { parse } from '../../tools/usage.mjs';

const USAGE = `npm run gpu-model -- [FILE.tsv...] [--held-out FILE.tsv]... [--plan FILE.json]...

Without files, the latest of bench/results. Fits, with no coefficient below zero, and relative errors squared in
proportion to a dispatch's share of the frame,

    microseconds = launch + steps * multiply-adds / threads + arithmetic * multiply-adds + reads * bytes / threads + memory * bytes

prints the coefficients and how far the times are that it gives, each file's left out of the fit in turn, and what it says of frames on other GPUs, in the files' order.

  --held-out FILE.tsv        a table that the fit does not see, and how far its times are
  --plan FILE.json           a plan as the command \`plan\` writes it, whose frame is predicted beside those measured: such as one without shares`;

/** What is told of a dispatch: constant, work of one thread, work of all, bytes of one thread, bytes of all. */
const TERMS = ['launch', 'steps', 'arithmetic', 'reads', 'memory'];
const terms = ({ macs, bytes, threads }) => [1, macs / threads, macs, bytes / threads, bytes];
const ROUNDS = 20_000;

/** Of one face and of eight: where all processors have work, only what all do together tells how long it takes. */
const TABLES = ['released', 'paper', 'released-eight', 'paper-eight'];

/** The makers' figures, beside those of the GPU that was measured: TFLOP/s of float32, GB/s, MHz under load, microseconds of a launch. */
const MEASURED = { tflops: 46.8, gigabytes: 4021, megahertz: 1980 };
const OTHERS = {
  'RTX A6000': { tflops: 38.7, gigabytes: 768, megahertz: 1800, launch: 4 },
  'RTX 4090': { tflops: 82.6, gigabytes: 1008, megahertz: 2520, launch: 4 },
  'RTX 3060': { tflops: 12.7, gigabytes: 360, megahertz: 1777, launch: 4 },
  'Radeon 680M': { tflops: 3.4, gigabytes: 90, megahertz: 2200, launch: 5 },
  'M4 Max, 40 cores': { tflops: 18.4, gigabytes: 546, megahertz: 1580, launch: 10 },
  'M3, 10 cores': { tflops: 4.1, gigabytes: 100, megahertz: 1400, launch: 10 },
  'M1, 8 cores': { tflops: 2.6, gigabytes: 68, megahertz: 1280, launch: 10 },
  'Iris Xe, 96 units': { tflops: 2, gigabytes: 60, megahertz: 1300, launch: 10 },
};

function rowsOf(file) {
  const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const names = head.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    const number = (name) => Number(cells[names.indexOf(name)]);
    return {
      kernel: cells[0],
      node: cells.at(-1),
      threads: number('threads'),
      dispatches: number('dispatches'),
      us: number('microseconds each'),
      macs: number('multiply-adds'),
      bytes: number('bytes'),
    };
  });
}

/** The coefficients, by coordinate descent: each in turn takes the value that is best beside the others, or zero. */
function coefficients(rows) {
  const weight = ({ dispatches, us }) => Math.sqrt(dispatches * us) / us;
  const scaled = rows.map((row) => terms(row).map((term) => term * weight(row)));
  const squares = TERMS.map((_, j) => scaled.reduce((sum, x) => sum + x[j] ** 2, 0));
  const found = TERMS.map(() => 0);
  const left = rows.map((row) => row.us * weight(row));
  for (let round = 0; round < ROUNDS; round++)
    for (const j of TERMS.keys()) {
      const along = scaled.reduce((sum, x, i) => sum + x[j] * left[i], 0);
      const next = Math.max(0, found[j] + along / squares[j]);
      for (const [i, x] of scaled.entries()) left[i] -= (next - found[j]) * x[j];
      found[j] = next;
    }
  return found;
}

const predicted = (row, found) => terms(row).reduce((sum, term, j) => sum + term * found[j], 0);

function errors(rows, found) {
  const off = rows.map((row) => Math.abs(predicted(row, found) / row.us - 1)).sort((a, b) => a - b);
  const ms = (time) => rows.reduce((sum, row) => sum + row.dispatches * time(row), 0) / 1000;
  const [own, real] = [ms((row) => predicted(row, found)), ms((row) => row.us)];
  const percent = (q) => `${(100 * off[Math.floor(q * (off.length - 1))]).toFixed(0)} %`;
  return `half of ${rows.length} within ${percent(0.5)}, nine of ten within ${percent(0.9)}; a frame ${own.toFixed(2)} ms, measured ${real.toFixed(2)}`;
}

/** The dispatches of a plan, which nobody has timed. */
const rowsOfPlan = (file) =>
  JSON.parse(readFileSync(file, 'utf8')).dispatches.map(({ threads, flops, bytes }) => ({
    threads,
    dispatches: 1,
    macs: flops / 2,
    bytes,
  }));

const FILES = { type: 'string', multiple: true, default: [] };
const { positionals, values } = parse(USAGE, { 'held-out': FILES, plan: FILES });
const files = positionals.length > 0 ? positionals : TABLES.map((table) => `${root}bench/results/h200-${table}-kernels.tsv`);
const tables = files.map(rowsOf);
const found = coefficients(tables.flat());
for (const [j, name] of TERMS.entries()) console.log(`${name.padEnd(11)} ${found[j].toExponential(3)} us`);
for (const [i, rows] of tables.entries()) {
  console.log(`${files[i].split('/').at(-1)}: ${errors(rows, found)}`);
  const others = tables.filter((_, other) => other !== i).flat();
  if (others.length > 0) console.log(`  fitted to the others alone: ${errors(rows, coefficients(others))}`);
}
for (const file of values['held-out']) console.log(`${file.split('/').at(-1)}, held out: ${errors(rowsOf(file), found)}`);

const frames = [...tables, ...values.plan.map(rowsOfPlan)];

// Another GPU's clock sets what one thread takes, its peak and bandwidth what all do, neither better used than there; these are predictions.
const [launch, steps, arithmetic, reads, memory] = found;
for (const [name, gpu] of Object.entries(OTHERS)) {
  const slower = MEASURED.megahertz / gpu.megahertz;
  const there = [launch + gpu.launch - 2, steps * slower, 0, reads * slower, 0];
  const time = (row) => {
    const full = Math.max((row.macs / (0.45e6 * gpu.tflops)) * 2, row.bytes / (0.8e3 * gpu.gigabytes));
    const alike = (arithmetic * row.macs * MEASURED.tflops) / gpu.tflops + (memory * row.bytes * MEASURED.gigabytes) / gpu.gigabytes;
    return Math.max(predicted(row, there) + alike, launch + full);
  };
  const times = frames.map((rows) => (rows.reduce((sum, row) => sum + row.dispatches * time(row), 0) / 1000).toFixed(1));
  console.log(`prediction, ${name}: ${times.join(', ')} ms of GPU time`);
}
