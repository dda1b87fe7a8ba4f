/** `annotate`: every face in many pictures and videos, in Node, as lines of JSON. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { TASKS, type Task } from '../src/face/labels.ts';
import { sameFile } from '../tools/save.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { parse, parseChoice, parseTasks, parseWhole, UsageError } from '../tools/terminal/options.ts';
import { type ChosenEngine, type ChosenWeights, chooseEngine, ENGINE_OPTIONS, engineLines, filesOf } from '../tools/terminal/weights.ts';
import { checkOutput, checkOutputFolder, writtenLine } from '../tools/terminal/write.ts';
import { maskName } from './annotate/mask.ts';
import { annotateSteps } from './annotate/run.ts';
import { mustBeOf, writeCoco, writeCsv } from './annotate/tables.ts';
import { type Job, Journal, keeping, markOf } from './bulk/journal.ts';
import { Pace } from './bulk/pace.ts';
import { namedFiles, type Step, shardOf, standardInput, stepsOf } from './bulk/pictures.ts';
import { type DetectorWeights, NEEDS_DAWN, withEngine } from './engine.ts';

const OPTIONS = {
  ...ENGINE_OPTIONS,
  out: { type: 'string' },
  masks: { type: 'string' },
  csv: { type: 'string' },
  coco: { type: 'string' },
  shard: { type: 'string' },
  resume: { type: 'boolean' },
  tasks: { type: 'string' },
  box: { type: 'string' },
  crop: { type: 'string' },
  'max-faces': { type: 'string' },
  'min-face': { type: 'string' },
  every: { type: 'string' },
} as const;

type Values = { [Name in keyof typeof OPTIONS]?: (typeof OPTIONS)[Name]['type'] extends 'boolean' ? boolean : string };

const usage = (standard: string | undefined) => `annotate DIR|GLOB|LIST|PICTURE|VIDEO... --out FILE.jsonl [options]

  DIR                        the pictures and videos in it and below it, by name
  GLOB                       a pattern in quotes: 'photos/**/*.jpg'
  LIST                       a text file (.txt, .lst, .list; - is standard input) with a path a line
  PICTURE, VIDEO             PNG or JPEG; videos need FFmpeg, 5.1 or later, on the PATH
  --out FILE.jsonl           a line a picture, or a frame of a video
  --resume                   go on where an earlier run ended; begin where there was none
  --shard I/N                part I of N, from 0: 0/4 to 3/4. The parts' files one after the other are the whole
  --masks DIR                parsing masks as PNG files, in place of runs in the lines
  --csv FILE, --coco FILE    the results as a table, and as COCO's JSON, besides
${engineLines(standard)}
  --tasks a,b                ${TASKS.join(', ')}
  --box whole                each picture is one face, cut out already (default: all faces that MTCNN finds)
  --crop official|square     what the network sees of a face that was found (default: official)
  --max-faces N              how many faces of a picture at most, the largest first (default: all)
  --min-face N               the smallest face's side in pixels (default: 20)
  --every N                  of a video every N-th frame (default: 1)
${NEEDS_DAWN}
What cannot be read is a line that says why, and no reason to stop: the exit code is 0 when every picture has its line.`;

/** @param standard what `--weights` is where it is not given, as the help says it; without it, it must be given */
export const annotateWith = (detectorWeights: DetectorWeights, standard?: string): Command => ({
  name: 'annotate',
  summary: 'analyse the faces in many pictures and videos, into a file of lines; it can be ended and gone on with',
  usage: usage(standard),
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    if (positionals.length === 0) throw new UsageError('Which pictures? annotate DIR|GLOB|LIST|PICTURE|VIDEO... --out FILE.jsonl');
    if (values.out === undefined) throw new UsageError('Where to? --out FILE.jsonl');
    const asked = askedOf(values);
    const chosen = chooseEngine(values, standard);
    const { weights } = chosen;
    const named = namedFiles(positionals, values.masks, positionals.includes('-') ? await standardInput() : '');
    checkOutputs(values.out, values, [...positionals, ...named.map(({ name }) => name), ...filesOf(weights)]);
    const all = stepsOf(named);
    const steps = shardOf(all, asked.shard);
    const by = await makersOf(values, weights);
    const job = { pictures: hashOf(all), shard: values.shard, ...by };
    const journal = Journal.open(values.out, job, { resume: values.resume ?? false });
    if (journal) await work(steps, journal, { chosen, asked, detectorWeights, masks: values.masks, by });
    else {
      await mustBeOf(values.out, steps, by);
      console.log(`${values.out} is whole: nothing is left to do.`);
    }
    await writeTables(values.out, values);
    journal?.finish();
    console.log(writtenLine('results', values.out));
  },
});

type Asked = ReturnType<typeof askedOf>;

function askedOf(values: Values) {
  const box = parseChoice('--box', values.box ?? 'faces', ['faces', 'whole']);
  return {
    shard: values.shard === undefined ? { index: 0, count: 1 } : parseShard(values.shard),
    tasks: values.tasks === undefined ? undefined : (parseTasks(values.tasks) as Task[]),
    whole: box === 'whole',
    crop: parseChoice('--crop', values.crop ?? 'official', ['official', 'square']),
    maxFaces: values['max-faces'] === undefined ? undefined : parseWhole('--max-faces', values['max-faces'], 1),
    minFace: values['min-face'] === undefined ? undefined : parseWhole('--min-face', values['min-face'], 5),
    every: values.every === undefined ? 1 : parseWhole('--every', values.every, 1),
  };
}

/** I/N, I from 0 as the indexes of Kubernetes and Slurm. */
export function parseShard(text: string): { index: number; count: number } {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (index === undefined || count === undefined || index >= count)
    throw new UsageError(`--shard is ${text}; it must be I/N with I from 0 to N - 1, so that the first of four is 0/4 and the last 3/4.`);
  return { index, count };
}

/** @param read what the command reads @throws CommandError */
function checkOutputs(out: string, { masks, csv, coco }: Values, read: readonly string[]): void {
  const taken = [out, ...read];
  for (const [option, file] of [
    ['--csv', csv],
    ['--coco', coco],
  ] as const) {
    if (file === undefined) continue;
    checkOutput(file, option, taken);
    taken.push(file);
  }
  if (masks === undefined) return;
  checkOutputFolder(masks, '--masks');
  const stems = new Map<string, string>();
  for (const name of read) {
    const stem = stemOf(resolve(masks, maskName(name, 0)));
    const other = stems.get(stem) ?? name;
    if (resolve(other) !== resolve(name) && !sameFile(other, name))
      throw new CommandError(`The masks of ${other} and ${name} would be one file in ${masks}; rename one of the two.`);
    stems.set(stem, name);
  }
  for (const name of read)
    if (stemOf(name) !== name && stems.has(stemOf(resolve(name))))
      throw new CommandError(`A mask in ${masks} would be written over ${name}, which this command reads; give another folder.`);
}

/** A mask's file without the number of its face. */
const stemOf = (mask: string): string => mask.replace(/\.\d+\.png$/, '');

function hashOf(steps: readonly Step[]): string {
  const names = createHash('sha256');
  for (const { name } of steps.flat()) names.update(`${name}\0`);
  return names.digest('hex').slice(0, 16);
}

/** All that decides, besides the picture, what its line says. */
async function makersOf(values: Values, weights: ChosenWeights): Promise<Job> {
  const { masks, tasks, box, crop, every, dtype, side } = values;
  return {
    weights: await markOf(weights),
    masks: masks === undefined ? undefined : 'files',
    tasks,
    box,
    crop,
    'max-faces': values['max-faces'],
    'min-face': values['min-face'],
    every,
    dtype,
    side,
  };
}

interface Work {
  readonly chosen: ChosenEngine;
  readonly asked: Asked;
  readonly detectorWeights: DetectorWeights;
  readonly masks: string | undefined;
  readonly by: Job;
}

async function work(steps: readonly Step[], journal: Journal, { chosen, asked, detectorWeights, masks, by }: Work): Promise<void> {
  const filesOf = (some: readonly Step[]) => some.reduce((sum, step) => sum + step.length, 0);
  const pace = new Pace('pictures', filesOf(steps), filesOf(steps.slice(0, journal.at.steps)));
  const { tasks, whole, crop, maxFaces, minFace, every } = asked;
  const search = whole ? undefined : minFace === undefined ? {} : { minFace };
  if (journal.at.steps < steps.length)
    await keeping(journal, () =>
      withEngine({ ...chosen, tasks, search, detectorWeights }, (engine, detector) =>
        annotateSteps(steps, journal, pace, { engine, tasks, masks, detector, crop, maxFaces, every, by }),
      ),
    );
  console.log(pace.summary());
}

async function writeTables(results: string, { csv, coco }: Values): Promise<void> {
  for (const [what, path, write] of [
    ['csv', csv, writeCsv],
    ['coco', coco, writeCoco],
  ] as const) {
    if (path === undefined) continue;
    await write(results, path);
    console.log(writtenLine(what, path));
  }
}
