import { basename, extname, join, resolve } from 'node:path';
import { TASKS } from '../src/face/labels.ts';
import type { Box } from '../src/image/crop.ts';
import { adapterLine, launchBrowser, WHERE_LINE, WHERE_OPTIONS, type Where, whereOf } from '../tools/browser/launch.ts';
import { type OpenPage, openPage, PageError } from '../tools/browser/page.ts';
import type { Route } from '../tools/browser/serve.ts';
import { mtcnnWeights } from '../tools/mtcnn.mjs';
import { root } from '../tools/root.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import { parse, parseBox, parseChoice, parseTasks, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, type Progress, say, showProgress } from '../tools/terminal/progress.ts';
import {
  type ChosenEngine,
  chooseEngine,
  ENGINE_OPTIONS,
  engineLines,
  filesOf,
  STANDARD_WEIGHTS,
  weightsLine,
} from '../tools/terminal/weights.ts';
import { checkOutput, write, writeJson, writtenLine } from '../tools/terminal/write.ts';
import type { AnalyzeReply, AnalyzeRequest, LoadRequest } from './analyze.page.ts';
import { analysisOf } from './annotate/face.ts';
import { reportLines } from './report.ts';
import { checkPictures, LEFT_OUT_LINE } from './search.ts';

interface Job extends ChosenEngine {
  pictures: string[];
  box: Box | 'whole' | undefined;
  tasks: string[] | undefined;
  json: string | undefined;
  draw: string | undefined;
  raw: string | undefined;
  taps: boolean;
  where: Where;
  plan: PlanChoice;
}

const PLANS = ['auto', 'fused'] as const;
type PlanChoice = (typeof PLANS)[number];

const OPTIONS = {
  ...ENGINE_OPTIONS,
  box: { type: 'string' },
  tasks: { type: 'string' },
  json: { type: 'string' },
  draw: { type: 'string' },
  raw: { type: 'string' },
  taps: { type: 'boolean' },
  ...WHERE_OPTIONS,
  plan: { type: 'string' },
} as const;

const OPTION_LINES = `  --box x0,y0,x1,y1|whole    the face's box in whole pixels (fractions are cut off), used as it is, already widened; or the whole picture
                             (default: all faces that MTCNN finds)
  --tasks a,b                ${TASKS.join(', ')}
  --json FILE                all results
  --draw FILE.png            the picture with landmarks, head pose and parsing drawn on it
  --raw FILE.safetensors     every raw output (output.*), resized and pixels, of the first face
  --taps                     adds tap.*, the tensors inside the network, to --raw
  ${WHERE_LINE}
  --plan auto|fused          with which kernels: what suits the adapter, or a desktop GPU's on a CPU too (default: auto)
${engineLines(STANDARD_WEIGHTS)}
With several pictures, the number of the picture is put into the names of --draw and --raw: drawn-1.png, drawn-2.png.
${LEFT_OUT_LINE}`;

export const analyze: Command = {
  name: 'analyze',
  summary: 'analyse the faces in a picture',
  usage: `analyze PICTURE... [options]\n\n${OPTION_LINES}`,
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    if (positionals.length === 0) throw new UsageError('Which picture? analyze PICTURE...');
    if (values.taps && values.raw === undefined) throw new UsageError('--taps adds to --raw FILE.safetensors, which is not given.');
    await runJob(jobOf(values, positionals));
  },
};

/** The portrait that comes with the project. */
const PORTRAIT = join('test', 'fixtures', 'astronaut.png');

export const start: Command = {
  name: 'start',
  summary: 'analyse a picture, or the portrait that comes along, and draw the result into out/',
  usage: `start [PICTURE...] [options]\n\n${OPTION_LINES}`,
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const given = positionals.length > 0;
    const job = jobOf(values, given ? positionals : [join(root, PORTRAIT)]);
    const name = basename(job.pictures[0] ?? '', extname(job.pictures[0] ?? ''));
    const draw = job.draw ?? join(root, 'out', given && job.pictures.length > 1 ? 'drawn.png' : `${name}.png`);
    await runJob({ ...job, draw });
  },
};

type Values = { [Name in keyof typeof OPTIONS]?: (typeof OPTIONS)[Name]['type'] extends 'boolean' ? boolean : string };

function jobOf(values: Values, pictures: string[]): Job {
  return {
    pictures,
    ...chooseEngine(values, STANDARD_WEIGHTS),
    box: values.box === undefined || values.box === 'whole' ? values.box : parseBox(values.box),
    tasks: values.tasks === undefined ? undefined : parseTasks(values.tasks),
    json: values.json,
    draw: values.draw,
    raw: values.raw,
    taps: values.taps ?? false,
    where: whereOf(values),
    plan: parseChoice('--plan', values.plan ?? 'auto', PLANS),
  };
}

async function runJob(job: Job): Promise<void> {
  checkPictures(job.pictures);
  const taken = [...job.pictures, ...filesOf(job.weights)];
  for (const option of ['json', 'draw', 'raw'] as const) {
    const file = job[option];
    const files = file === undefined ? [] : option === 'json' ? [file] : job.pictures.map((_, i) => numbered(file, i, job.pictures.length));
    for (const path of files) checkOutput(path, `--${option}`, taken);
    taken.push(...files);
  }
  if (job.draw !== undefined && !/\.png$/i.test(job.draw))
    throw new UsageError(`--draw is ${job.draw}; its name must end in .png, which it is.`);
  console.log(weightsLine(job.weights));
  const { browser, adapter } = await launchBrowser(job.where, say);
  try {
    console.log(`Runs on: ${adapterLine(adapter)}, ${await browser.version()}`);
    const page = await openPage(browser, `export * from './cli/analyze.page.ts';`, routesOf(job));
    await page.page.exposeFunction('reportProgress', (progress: Progress) => showProgress(progress));
    await page.call('load', loadRequest(job));
    const results: PictureResult[] = [];
    for (const [i, picture] of job.pictures.entries()) {
      const reply = await analyzeOne(job, page, picture, i);
      if (reply) results.push({ picture, ...reply });
    }
    await page.close();
    if (job.json !== undefined && results.length > 0) {
      writeJson(job.json, analysisOf(adapter, job.weights, results));
      console.log(writtenLine('json', job.json));
    }
    const failed = job.pictures.length - results.length;
    if (failed > 0) throw new CommandError(`${failed} of ${job.pictures.length} pictures could not be analysed.`);
  } finally {
    clearProgress();
    await browser.close();
  }
}

type PictureResult = { readonly picture: string } & AnalyzeReply;

/** One of several that fails is told of, and the others go on: undefined. One alone ends the command. */
async function analyzeOne(job: Job, page: OpenPage, picture: string, i: number): Promise<AnalyzeReply | undefined> {
  showProgress({ phase: `analyzing ${picture}`, loaded: 0, total: 0 });
  const draw = job.draw !== undefined;
  const raw = job.raw !== undefined;
  const request: AnalyzeRequest = { picture: pictureUrl(picture, i), box: job.box, taps: job.taps, draw, raw };
  const reply = await page.call<AnalyzeReply>('analyze', request).catch((error: unknown) => {
    if (!(error instanceof PageError)) throw error;
    return new PageError(`${picture}: ${error.message}`, error.code, error.stackInPage);
  });
  clearProgress();
  if (reply instanceof PageError) {
    if (job.pictures.length === 1) throw reply;
    console.error(messageOf(reply));
    return undefined;
  }
  console.log(['', ...reportLines(picture, reply)].join('\n'));
  for (const [name, file] of [
    ['drawn', job.draw],
    ['raw', job.raw],
  ] as const) {
    const body = page.received(name);
    if (file === undefined || body === undefined) continue;
    const path = numbered(file, i, job.pictures.length);
    write(path, body);
    console.log(writtenLine(name, path));
  }
  return reply;
}

const pictureUrl = (picture: string, i: number): string => `/pictures/${i}/${encodeURIComponent(basename(picture))}`;

function routesOf({ pictures, weights }: Job): Record<string, Route> {
  const routes: Record<string, Route> = { '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' } };
  pictures.forEach((picture, i) => {
    routes[decodeURIComponent(pictureUrl(picture, i))] = { file: resolve(picture) };
  });
  if ('file' in weights) routes[`/weights/${weights.name}`] = { file: resolve(weights.file) };
  return routes;
}

function loadRequest({ weights, side, tasks, plan, dtype }: Job): LoadRequest {
  return { weights: 'file' in weights ? { url: `/weights/${encodeURIComponent(weights.name)}` } : weights, side, tasks, plan, dtype };
}

/** `drawn.png` is `drawn-2.png` for the second of several pictures. */
function numbered(file: string, i: number, pictures: number): string {
  return pictures === 1 ? file : `${file.slice(0, file.length - extname(file).length)}-${i + 1}${extname(file)}`;
}
