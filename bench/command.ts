/** `bench`: the benchmark's page, run headless to a table and files, or served to the browsers of this machine. */
import type { Page } from 'puppeteer';
import { adapterLine, launchBrowser, WHERE_LINE, WHERE_OPTIONS, type Where, whereOf } from '../tools/browser/launch.ts';
import { complaintsOf, PageError } from '../tools/browser/page.ts';
import { serve, servePage } from '../tools/browser/serve.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parseKind, parsePort, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, type Progress, say, showProgress } from '../tools/terminal/progress.ts';
import { chooseWeights, ENGINE_OPTIONS, NETWORK_LINES, weightsLine } from '../tools/terminal/weights.ts';
import { checkOutput, write, writeJson, writtenLine } from '../tools/terminal/write.ts';
import type { BenchResult } from './page/result.ts';
import { readSettings, type Settings, writeSettings } from './page/settings.ts';
import { tableLines } from './page/table.ts';
import { benchRoutes, missingPeers } from './routes.ts';

const PORT = 8081;

const OPTIONS = {
  ...ENGINE_OPTIONS,
  batch: { type: 'string' },
  frames: { type: 'string' },
  tasks: { type: 'string' },
  seed: { type: 'string' },
  peers: { type: 'string' },
  json: { type: 'string' },
  screenshot: { type: 'string' },
  ...WHERE_OPTIONS,
  serve: { type: 'boolean' },
  port: { type: 'string' },
} as const;

interface BenchJob {
  readonly settings: Settings;
  /** Path of the weights to serve; seeded ones otherwise. */
  readonly weights: string | undefined;
  readonly json: string | undefined;
  readonly screenshot: string | undefined;
  readonly where: Where;
  /** Serve the page, and run nothing; undefined: a port near the usual one. */
  readonly serve: { readonly port: number | undefined } | undefined;
}

export const bench: Command = {
  name: 'bench',
  summary: 'measure the engine: latency, throughput, kernels, memory, distance from the reference',
  usage: `bench [options]

  ${NETWORK_LINES}
  --seed N                   of seeded weights, which are the default; only the default seed has a reference to be compared with
  --weights FILE             a safetensors file instead
  --dtype auto|f32|f16       in what the engine computes (default: auto)
  --batch N                  faces a call, 1 to 8 (default: 1)
  --frames N                 calls of each series (default: 100 on a GPU, 2 on a software adapter)
  --tasks a,b                only these (default: all that the weights know)
  --peers a,b                ort-webgpu, ort-wasm, mediapipe, human, micro-facemesh, as far as they are installed (default: none)
  --json FILE                everything measured
  --screenshot FILE.png      the page with its results
  ${WHERE_LINE}
  --serve [--port N]         serve the page to the browsers of this machine instead (default: ${PORT}, or a free one where it is taken)`,
  async run(args) {
    const job = benchJob(args);
    const routes = await benchRoutes(job.weights);
    if (!job.serve) return runJob(job, routes);
    const query = writeSettings(job.settings);
    await servePage(routes, (url) => `The benchmark is at ${url}${query && `?${query}`}`, { asked: job.serve.port, usual: PORT });
  },
};

/** What the arguments ask for. @throws UsageError */
export function benchJob(args: string[]): BenchJob {
  const { values, positionals } = parse(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`bench takes only options; "${positionals[0]}" is not one.`);
  if (values.weights !== undefined && [values.seed, values.network, values.form, values.encoder].some((one) => one !== undefined))
    throw new UsageError('--seed, --network, --form and --encoder are for seeded weights; --weights FILE is the other kind.');
  const chosen = values.weights === undefined ? undefined : chooseWeights(values.weights);
  const file = chosen && 'file' in chosen ? chosen : undefined;
  const query = new URLSearchParams();
  for (const name of ['form', 'encoder', 'side', 'dtype', 'batch', 'frames', 'seed', 'tasks', 'peers'] as const)
    if (values[name] !== undefined) query.set(name, values[name].replaceAll(' ', ''));
  if (parseKind(values) === 'segface') query.set('form', 'segface');
  if (chosen && 'seed' in chosen) query.set('seed', String(chosen.seed));
  if (file) query.set('weights', `weights/${encodeURIComponent(file.name)}`);
  const { settings, faults } = readSettings(query.toString());
  if (faults[0] !== undefined) throw new UsageError(`--${faults[0]}`);
  if (values.port !== undefined && !values.serve) throw new UsageError('--port goes with --serve.');
  const port = values.port === undefined ? undefined : parsePort(values.port);
  const { json, screenshot } = values;
  return { settings, weights: file?.file, json, screenshot, where: whereOf(values), serve: values.serve ? { port } : undefined };
}

async function runJob(job: BenchJob, routes: Awaited<ReturnType<typeof benchRoutes>>): Promise<void> {
  const { settings, weights, json, screenshot } = job;
  if (json !== undefined) checkOutput(json, '--json', weights === undefined ? [] : [weights]);
  if (screenshot !== undefined)
    checkOutput(
      screenshot,
      '--screenshot',
      [weights, json].filter((path) => path !== undefined),
    );
  const advice = 'to measure trained ones: --weights weights/facexformer.safetensors';
  console.log(weights === undefined ? weightsLine(settings, advice) : `Weights: ${weights}`);
  for (const peer of missingPeers(settings.peers))
    say(`${peer} is not installed and will be left out; bench/README.md says how to install it.`);
  const { browser, adapter } = await launchBrowser(job.where, say);
  const server = await serve(routes);
  try {
    console.log(`Runs on: ${adapterLine(adapter)}, ${await browser.version()}`);
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    await page.setViewport({ width: 1280, height: 900 });
    await page.exposeFunction('reportProgress', (progress: Progress) => showProgress(progress));
    await page.goto(`${server.url}?${writeSettings(settings)}&auto=1`);
    const result = await resultOf(page, complaints);
    clearProgress();
    console.log(['', ...tableLines(result)].join('\n'));
    if (json !== undefined) writeJson(json, result);
    if (screenshot !== undefined) write(screenshot, await page.screenshot({ fullPage: true, type: 'png' }));
    for (const [name, path] of Object.entries({ json, screenshot })) if (path !== undefined) console.log(writtenLine(name, path));
    for (const complaint of complaints) console.error(complaint);
  } finally {
    clearProgress();
    await browser.close();
    await server.close();
  }
}

/** Waits for the page's run to end, or for the page. */
async function resultOf(page: Page, complaints: readonly string[]): Promise<BenchResult> {
  const crashed = new Promise<never>((_, reject) => {
    page.once('error', (error) => reject(error));
    page.once('close', () => reject(new Error(['The page was closed.', ...complaints].join('\n'))));
  });
  const ended = page.waitForFunction('globalThis.__result !== undefined', { timeout: 0, polling: 250 });
  await Promise.race([ended, crashed]);
  const result = (await page.evaluate('globalThis.__result')) as BenchResult | { error: { code: string; message: string } };
  if ('error' in result) throw new PageError(result.error.message, result.error.code, undefined);
  return result;
}
