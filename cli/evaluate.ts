/** `evaluate`: the paper's tables, for who has the data sets. */
import { existsSync, readFileSync } from 'node:fs';
import type { Engine } from '../src/engine/engine.ts';
import { TASKS } from '../src/face/labels.ts';
import type { LoadDetector } from '../src/image/detector.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import {
  ENCODER_CHOICE,
  NETWORK_CHOICE,
  parse,
  parseChoice,
  parseSide,
  parseWhole,
  SIDE_CHOICE,
  UsageError,
} from '../tools/terminal/options.ts';
import { clearProgress, say } from '../tools/terminal/progress.ts';
import { type ChosenWeights, chooseWeights, filesOf, weightsLine } from '../tools/terminal/weights.ts';
import { checkOutput, isFolder, writeJson, writtenLine } from '../tools/terminal/write.ts';
import { type Job, Journal, markOf, mustBeSame } from './bulk/journal.ts';
import { Pace } from './bulk/pace.ts';
import type { Finding } from './bulk/passes.ts';
import { filesBelow, TOGETHER } from './bulk/pictures.ts';
import { type DetectorWeights, engineLine, loadEngine, NEEDS_DAWN, NodeMtcnn, openDawn } from './engine.ts';
import type { AnyBenchmark, Listing } from './evaluate/benchmark.ts';
import { BENCHMARKS } from './evaluate/benchmarks.ts';
import { evaluateSamples, type Line, type Log, type Outcome, outcomeOf, readLines, tableLines } from './evaluate/run.ts';

const OPTIONS = {
  data: { type: 'string' },
  set: { type: 'string' },
  weights: { type: 'string' },
  form: { type: 'string' },
  network: { type: 'string' },
  encoder: { type: 'string' },
  side: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'string' },
  resume: { type: 'boolean' },
  dtype: { type: 'string' },
} as const;

/** Words that the paper has for tasks. */
const ALSO: Readonly<Record<string, string>> = { parsing: 'segmentation', verification: 'recognition' };

/** A task as the paper calls it. */
const nameOf = (task: string): string => Object.entries(ALSO).find(([, one]) => one === task)?.[0] ?? task;
const TASK_NAMES = TASKS.map(nameOf);

const usage = (standard: string) => `evaluate TASK --data DIR [options]

  TASK                       ${TASK_NAMES.join(', ')}
  --data DIR                 a data set as it comes; which one, its files tell:
${BENCHMARKS.map(({ task, set, layout }) => `    ${nameOf(task).padEnd(13)} ${set.padEnd(14)} ${layout}`).join('\n')}
  --set NAME                 which of them, where a folder has several
  --weights FILE|seeded[:N]  a safetensors file, or untrained weights from a seed${standard}
  --form released|paper      the form of seeded weights (default: released)
  ${NETWORK_CHOICE}
                             the network of seeded weights (default: facexformer); a file's is seen from its tensors
  ${ENCODER_CHOICE}
                             the encoder of seeded weights (default: swin_b)
  ${SIDE_CHOICE}                   of the square that a face is resized to: a multiple of 32 from 224 to 512 (default: 224, SegFace's 512)
  --limit N                  the first N pictures (of verification: pairs)
  --json FILE                the table; what came of each picture goes to FILE.lines beside it
  --resume                   go on where an earlier run with that --json ended; begin where there was none
  --dtype auto|f32|f16       in what the engine computes (default: auto)
${NEEDS_DAWN}
A label that makes no sense and a picture that cannot be read are named, counted and left out.`;

/** @param standard what `--weights` is where it is not given, as the help says it; without it, it must be given */
export const evaluateWith = (detectorWeights: DetectorWeights, standard?: string): Command => ({
  name: 'evaluate',
  summary: 'judge weights by a data set, as the paper does',
  usage: usage(standard === undefined ? '' : ` (default: ${standard})`),
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [task] = positionals;
    if (task === undefined || positionals.length > 1)
      throw new UsageError(`Which task? evaluate TASK --data DIR, with TASK one of ${TASK_NAMES.join(', ')}`);
    if (values.data === undefined) throw new UsageError('Which data? --data DIR');
    if (values.weights === undefined && standard === undefined)
      throw new UsageError('Which weights? --weights FILE, which fetch makes, or --weights seeded for untrained ones.');
    if (values.resume && values.json === undefined)
      throw new UsageError('--resume goes on with the lines beside --json FILE, which is not given.');
    const name = parseChoice('TASK', nameOf(task), TASK_NAMES);
    const known = ALSO[name] ?? name;
    const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : parseWhole('--limit', values.limit, 1);
    const dtype = parseChoice('--dtype', values.dtype ?? 'auto', ['auto', 'f32', 'f16']);
    const weights = chooseWeights(values.weights, values);
    const side = parseSide(values.side);
    const benchmark = chosen(known, values.data, values.set);
    if (values.json !== undefined) {
      const ofData = existsSync(values.json) ? filesBelow(values.data) : [];
      checkOutput(values.json, '--json', [...filesOf(weights), ...ofData]);
    }
    const listing = benchmark.read(values.data, limit);
    const lines = values.json === undefined ? undefined : `${values.json}.lines`;
    const job = {
      task: known,
      set: benchmark.set,
      data: values.data,
      limit: values.limit,
      pictures: listing.samples.length,
      weights: await markOf(weights),
      dtype: values.dtype,
      side: values.side,
    };
    const journal = lines === undefined ? undefined : Journal.open(lines, job, { resume: values.resume ?? false });
    if (lines !== undefined && !journal) mustBeOf(values.json as string, lines, job);
    const memory: string[] = [];
    const log: Log = journal ?? { at: { steps: 0, parts: 0 }, append: (some) => void memory.push(...some) };
    if (lines === undefined || journal) await work(benchmark, listing, log, { weights, side, dtype, detectorWeights, journal });
    const all = lines === undefined ? memory.map((line) => JSON.parse(line) as Line) : readLines(lines);
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

interface Work {
  readonly weights: ChosenWeights;
  readonly side: number | undefined;
  readonly dtype: 'auto' | 'f32' | 'f16';
  readonly detectorWeights: DetectorWeights;
  readonly journal: Journal | undefined;
}

async function work(
  benchmark: AnyBenchmark,
  listing: Listing<unknown>,
  log: Log,
  { weights, side, dtype, detectorWeights, journal }: Work,
): Promise<void> {
  const total = listing.samples.length;
  if (log.at.steps * TOGETHER >= total) return;
  let engine: Engine | undefined;
  try {
    await openDawn();
    console.log(weightsLine(weights));
    let detector: Finding['detector'] = 'whole';
    const loadDetector: LoadDetector = async (on) => {
      detector = await NodeMtcnn.load(detectorWeights(), {}, on);
      return detector;
    };
    const detects = listing.samples.some(({ place }) => place === 'detect');
    engine = await loadEngine(weights, { dtype, side, tasks: [benchmark.task], ...(detects && { detector: loadDetector }) });
    console.log(engineLine(engine));
    await evaluateSamples(benchmark, listing, log, new Pace('pictures', total, log.at.steps * TOGETHER), { engine, detector });
  } catch (error) {
    journal?.close();
    clearProgress();
    if (journal) say(`${journal.path} keeps what is done: --resume goes on with it.`);
    throw error;
  } finally {
    engine?.dispose();
  }
  clearProgress();
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
    `${set}, ${task}: ${pictures} pictures`,
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
