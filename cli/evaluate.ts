/** `evaluate`: the paper's tables, for who has the data sets. */
import { existsSync, readFileSync } from 'node:fs';
import { TASKS } from '../src/face/labels.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { parse, parseChoice, parseWhole, UsageError } from '../tools/terminal/options.ts';
import { chooseEngine, ENGINE_OPTIONS, engineLines, filesOf } from '../tools/terminal/weights.ts';
import { checkOutput, isFolder, writeJson, writtenLine } from '../tools/terminal/write.ts';
import { type Job, Journal, keeping, markOf, mustBeSame } from './bulk/journal.ts';
import { Pace } from './bulk/pace.ts';
import { filesBelow, TOGETHER } from './bulk/pictures.ts';
import { type DetectorWeights, NEEDS_DAWN, withEngine } from './engine.ts';
import type { AnyBenchmark, Listing } from './evaluate/benchmark.ts';
import { BENCHMARKS } from './evaluate/benchmarks.ts';
import { evaluateSamples, type Line, type Log, type Outcome, outcomeOf, readLines, tableLines } from './evaluate/run.ts';

const OPTIONS = {
  data: { type: 'string' },
  set: { type: 'string' },
  ...ENGINE_OPTIONS,
  limit: { type: 'string' },
  json: { type: 'string' },
  resume: { type: 'boolean' },
} as const;

/** Words that the paper has for tasks. */
const ALSO: Readonly<Record<string, string>> = { parsing: 'segmentation', verification: 'recognition' };

/** A task as the paper calls it. */
const nameOf = (task: string): string => Object.entries(ALSO).find(([, one]) => one === task)?.[0] ?? task;
const TASK_NAMES = TASKS.map(nameOf);

const usage = (standard: string | undefined) => `evaluate TASK --data DIR [options]

  TASK                       ${TASK_NAMES.join(', ')}
  --data DIR                 a data set as it comes; which one, its files tell:
${BENCHMARKS.map(({ task, set, layout }) => `    ${nameOf(task).padEnd(13)} ${set.padEnd(14)} ${layout}`).join('\n')}
  --set NAME                 which of them, where a folder has several
${engineLines(standard)}
  --limit N                  the first N pictures (of verification: pairs)
  --json FILE                the table; what came of each picture goes to FILE.lines beside it
  --resume                   go on where an earlier run with that --json ended; begin where there was none
${NEEDS_DAWN}
A label that makes no sense and a picture that cannot be read are named, counted and left out.`;

/** @param standard what `--weights` is where it is not given, as the help says it; without it, it must be given */
export const evaluateWith = (detectorWeights: DetectorWeights, standard?: string): Command => ({
  name: 'evaluate',
  summary: 'judge weights by a data set, as the paper does',
  usage: usage(standard),
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [task] = positionals;
    if (task === undefined || positionals.length > 1)
      throw new UsageError(`Which task? evaluate TASK --data DIR, with TASK one of ${TASK_NAMES.join(', ')}`);
    if (values.data === undefined) throw new UsageError('Which data? --data DIR');
    if (values.resume && values.json === undefined)
      throw new UsageError('--resume goes on with the lines beside --json FILE, which is not given.');
    const name = parseChoice('TASK', nameOf(task), TASK_NAMES);
    const known = ALSO[name] ?? name;
    const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : parseWhole('--limit', values.limit, 1);
    const engine = chooseEngine(values, standard);
    const benchmark = chosen(known, values.data, values.set);
    if (values.json !== undefined) {
      const ofData = existsSync(values.json) ? filesBelow(values.data) : [];
      checkOutput(values.json, '--json', [...filesOf(engine.weights), ...ofData]);
    }
    const listing = benchmark.read(values.data, limit);
    const lines = values.json === undefined ? undefined : `${values.json}.lines`;
    const job = {
      task: known,
      set: benchmark.set,
      data: values.data,
      limit: values.limit,
      pictures: listing.samples.length,
      weights: await markOf(engine.weights),
      dtype: values.dtype,
      side: values.side,
    };
    const journal = lines === undefined ? undefined : Journal.open(lines, job, { resume: values.resume ?? false });
    if (lines !== undefined && !journal) mustBeOf(values.json as string, lines, job);
    const memory: string[] = [];
    const log: Log = journal ?? { at: { steps: 0, parts: 0 }, append: (some) => void memory.push(...some) };
    const total = listing.samples.length;
    const pace = new Pace('pictures', total, log.at.steps * TOGETHER);
    const search = listing.samples.some(({ place }) => place === 'detect') ? {} : undefined;
    if ((lines === undefined || journal) && log.at.steps * TOGETHER < total)
      await keeping(journal, () =>
        withEngine({ ...engine, tasks: [benchmark.task], search, detectorWeights }, (loaded, detector) =>
          evaluateSamples(benchmark, listing, log, pace, { engine: loaded, detector }),
        ).finally(() => listing.close?.()),
      );
    const all = lines === undefined ? memory.map((line) => JSON.parse(line) as Line) : readLines(lines, listing.samples);
    const outcome = outcomeOf(benchmark, all, values.data, limit);
    console.log(reportLines(benchmark, listing, outcome).join('\n'));
    if (values.json !== undefined) {
      writeJson(values.json, jsonOf(benchmark, listing, outcome, job));
      console.log(writtenLine('json', values.json));
    }
    journal?.finish();
  },
});

/**
 * Whether lines that are whole, and tell nothing of their making, are of this work: the table beside them says it.
 * @throws CommandError
 */
function mustBeOf(json: string, lines: string, job: Job): void {
  let was: { readonly job: Job };
  try {
    was = JSON.parse(readFileSync(json, 'utf8'));
    mustBeSame(json, was.job, job);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`${lines} is whole, and ${json} does not say of what: delete both and begin anew.`, { cause });
  }
}

/** The benchmark of the task whose files are in the folder. @throws CommandError, UsageError */
export function chosen(task: string, folder: string, set: string | undefined): AnyBenchmark {
  if (!isFolder(folder)) throw new CommandError(`There is no folder ${folder}.`);
  const all = BENCHMARKS.filter((one) => one.task === task);
  if (set !== undefined) {
    const named = all.find((one) => one.set.toLowerCase() === set.toLowerCase());
    if (!named) throw new UsageError(`--set is ${set}; for ${nameOf(task)} it must be ${all.map((one) => one.set).join(' or ')}.`);
    return named;
  }
  const found = all.filter((one) => one.found(folder));
  const [first] = found;
  if (!first)
    throw new CommandError(
      `${folder} has the files of no data set that ${nameOf(task)} is judged by:\n${all.map((one) => `  ${one.set}: ${one.layout}`).join('\n')}`,
    );
  if (found.length > 1)
    throw new UsageError(`${folder} has several data sets: choose with --set ${found.map((one) => one.set).join(' or --set ')}.`);
  return first;
}

/** How many of what is left out are named. */
const NAMED = 10;

function reportLines({ set, task }: AnyBenchmark, { wrong, notes = [] }: Listing<unknown>, { rows, pictures, failed }: Outcome): string[] {
  const named = (what: string, all: readonly string[]) =>
    all.length === 0
      ? []
      : [
          `${all.length} ${what}${all.length === 1 ? '' : 's'} left out:`,
          ...all.slice(0, NAMED).map((one) => `  ${one}`),
          ...(all.length > NAMED ? ['  ...'] : []),
        ];
  return [
    '',
    `${set}, ${nameOf(task)}: ${pictures} ${pictures === 1 ? 'picture' : 'pictures'}`,
    ...notes.map((note) => `  ${note}`),
    ...tableLines(rows),
    ...named('label', wrong),
    ...named(
      'picture',
      failed.map(({ name, why }) => `${name}: ${why}`),
    ),
  ];
}

const jsonOf = (
  { set, task }: AnyBenchmark,
  { wrong, notes = [] }: Listing<unknown>,
  { rows, pictures, failed }: Outcome,
  job: Job,
): object => ({
  schema: 'facexformer-webgpu/evaluation/1',
  set,
  task,
  weights: job['weights'],
  job,
  pictures,
  notes,
  rows,
  labelsLeftOut: wrong,
  picturesLeftOut: failed,
});
