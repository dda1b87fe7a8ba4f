/** Measures, prints, compares, records: what `run.mjs` is asked for. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineDtype } from '../../src/engine/options.ts';
import { FORMS, type Form } from '../../src/face/forms.ts';
import { parseEncoder } from '../../tools/terminal/options.ts';
import { compareWithBare } from './bare.ts';
import { failures, type Outcomes, regressions, violations } from './check.ts';
import { NotSetUp } from './dawn.ts';
import { GPUS, type Gpu, measureOn } from './gpus.ts';
import { DTYPES, type Pipeline, pipelinesOf } from './pipelines.ts';
import { atMost } from './processes.ts';
import { asJson, machine, type Part, type Report, type Row, readRecord, writeRecord } from './record.ts';
import { padded, rowsOf } from './table.ts';

const AT_A_TIME = 2;
const RENEW = 'If that is meant: npm run gpu-report -- --write';

interface Options {
  readonly gpus: readonly string[];
  readonly forms: readonly Form[];
  readonly dtypes: readonly EngineDtype[];
  readonly encoder: string;
  /** Pipelines whose name contains it. */
  readonly only: string;
  readonly json: string | undefined;
  readonly write: boolean;
  readonly check: boolean;
  /** What the tuner may choose, instead of what runs. */
  readonly candidates: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      gpu: { type: 'string' },
      form: { type: 'string' },
      dtype: { type: 'string' },
      encoder: { type: 'string' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      candidates: { type: 'boolean', default: false },
    },
  });
  const { gpu, form, dtype, encoder, only, json, write, check, candidates } = values;
  const gpus = gpu?.split(',') ?? (check ? ['navi31'] : Object.keys(GPUS));
  for (const name of gpus) if (!GPUS[name]) throw new Error(`There is no GPU ${name}; there are ${Object.keys(GPUS).join(', ')}.`);
  const forms = FORMS.filter((known) => form === undefined || form === known);
  if (forms.length === 0) throw new Error(`--form is ${form}; it must be ${FORMS.join(' or ')}.`);
  const dtypes = DTYPES.filter((known) => dtype === undefined || dtype === known);
  if (dtypes.length === 0) throw new Error(`--dtype is ${dtype}; it must be ${DTYPES.join(' or ')}.`);
  if (write && (form !== undefined || dtype !== undefined || encoder !== undefined || only !== ''))
    throw new Error('--write records all of both forms in both element types on Swin-B; leave out --form, --dtype, --encoder and --only.');
  if (write && check) throw new Error('--write makes what --check compares with; do one of them.');
  if (candidates && (write || check)) throw new Error('--candidates are not on record; leave out --write and --check.');
  return { gpus, forms, dtypes, encoder: parseEncoder(encoder), only, json, write, check, candidates };
}

async function measure(gpu: Gpu, { wgsl, key: _, ...about }: Pipeline): Promise<{ row: Row; driver?: string }> {
  try {
    const { figures, driver } = await measureOn(gpu, wgsl);
    return { row: { ...about, figures }, driver };
  } catch (error) {
    if (error instanceof NotSetUp) throw error;
    return { row: { ...about, failed: error instanceof Error ? error.message : String(error) } };
  }
}

async function partOf(gpu: Gpu, pipelines: readonly Pipeline[]): Promise<Part> {
  const start = performance.now();
  const measured = await atMost(AT_A_TIME, pipelines, (pipeline) => measure(gpu, pipeline));
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    driver: measured.find(({ driver }) => driver)?.driver ?? 'unknown',
    seconds: Math.round((performance.now() - start) / 1000),
    pipelines: Object.fromEntries(pipelines.map(({ key }, i) => [key, measured[i]?.row as Row])),
  };
}

const outcomesOf = (part: Part | undefined): Outcomes => new Map(Object.entries(part?.pipelines ?? {}));

/** @returns what is wrong: pipelines without figures and, with --check, figures beyond a bound or worse than on record */
export async function report(args: readonly string[]): Promise<string[]> {
  const options = readOptions(args);
  const record = readRecord();
  const gpus: Record<string, Part> = {};
  const wrong: string[] = [];
  for (const name of options.gpus) {
    const gpu = GPUS[name] as Gpu;
    const dtypes = options.dtypes.filter((dtype) => dtype === 'f32' || gpu.float16 !== false);
    const pipelines = (await pipelinesOf(gpu, { ...options, dtypes })).filter(({ key }) => key.includes(options.only));
    console.error(`${name}: ${pipelines.length} pipelines ...`);
    const part = await partOf(gpu, pipelines);
    gpus[name] = part;
    const now = outcomesOf(part);
    const beyond = options.candidates ? [] : violations(name, now); // the bounds are for what runs
    console.log(`\n${name}: ${gpu.title}. ${part.driver}. ${part.seconds} s\n`);
    console.log(padded(rowsOf(gpu.columns, pipelines, now)));
    wrong.push(...failures(name, now));
    if (!options.check) for (const line of beyond) console.log(`BEYOND ${line}`);
    else wrong.push(...beyond, ...compared(name, gpu, record, part));
    if (options.check && gpu.bare && options.only === '') wrong.push(...(await compareWithBare(name, (wgsl) => measureOn(gpu, wgsl))));
  }
  const made: Report = { version: 1, gpus };
  if (options.json !== undefined) writeJson(options.json, asJson(made));
  if (options.write) writeRecord(made);
  return wrong;
}

function compared(name: string, gpu: Gpu, record: Report, part: Part): string[] {
  const recorded = record.gpus[name];
  const lines = regressions(name, gpu.columns, outcomesOf(recorded), outcomesOf(part));
  if (lines.length === 0) return [];
  const compilers = recorded && recorded.driver !== part.driver ? ` The record is of ${recorded.driver}; this is ${part.driver}.` : '';
  return [...lines, `${name}: not as on record.${compilers} ${RENEW} --gpu ${name}`];
}

function writeJson(path: string, text: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, text);
}
