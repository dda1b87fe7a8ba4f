/** A run's results as they are kept: JSON with a version, and a check of files that claim to be such. */
import type { Plan } from '../../src/graph/plan.ts';
import type { KernelTime } from '../../src/graph/profile.ts';
import type { Settings } from './settings.ts';
import type { Summary } from './statistics.ts';

export const SCHEMA = 1;

/** Something that was not measured, and why. */
interface Skipped {
  readonly skipped: string;
}
export type Measured<Value> = Value | Skipped;

export const isSkipped = (value: Measured<object>): value is Skipped => 'skipped' in value;

/** Calls of `analyze()` one after the other, or several at a time; milliseconds. */
export interface Series {
  /** Milliseconds from each call to its results. */
  readonly samples: readonly number[];
  readonly latency: Summary;
  /** Calls under way at a time. */
  readonly inFlight: number;
  /** Milliseconds from the first call's start to the last one's end. */
  readonly total: number;
  /** Calls a second; faces are `batch` times as many. */
  readonly fps: number;
}

export interface VideoSeries extends Series {
  /** Frames that the video showed meanwhile. */
  readonly presented: number;
  /** Milliseconds from when a frame was due on the screen to its results. */
  readonly age: Summary;
}

export interface Machine {
  readonly userAgent: string;
  readonly cores: number;
  readonly adapter: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly software: boolean;
  };
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Milliseconds of the cold start. */
export interface Load {
  readonly device: number;
  /** Reading the header, building graph and plan. */
  readonly plan: number;
  /** Computing or fetching weights, and uploading them; kernels compile meanwhile. */
  readonly weights: number;
  /** What was left to compile when the weights were there, and making buffers and bind groups. */
  readonly rest: number;
  readonly total: number;
  /** Milliseconds from the first pipeline asked for to the last one ready, and how many there are. */
  readonly compile: number;
  readonly pipelines: number;
}

/** MTCNN on a picture of the size of a video's frame: what comes before the network where no box is given. Milliseconds. */
export interface Detection {
  /** Of the picture that is searched, in pixels. */
  readonly width: number;
  readonly height: number;
  /** How many faces are found in it. */
  readonly faces: number;
  /** Loading the detector, and the first search. */
  readonly load: number;
  readonly first: number;
  readonly serial: Series;
}

/** What the adapter reaches with two small kernels that do nothing else. */
export interface Roofline {
  readonly gflops: number;
  readonly gigabytesPerSecond: number;
}

export interface Correctness {
  readonly nmse: Readonly<Record<string, number>>;
  readonly bound: number;
}

export interface PeerResult {
  readonly peer: string;
  readonly version: string;
  /** What it did, and on what. */
  readonly note: string;
  readonly load: number;
  readonly first: number;
  readonly serial: Series;
  /** NMSE of its outputs against the reference, where it has the same ones. */
  readonly nmse?: Readonly<Record<string, number>>;
  readonly dispatches?: number;
}

export interface BenchResult {
  readonly schema: typeof SCHEMA;
  readonly date: string;
  readonly commit: string;
  readonly settings: Settings;
  readonly machine: Machine;
  /** `dtype`: in what the engine computed; `encoder`: of results since there are several, Swin-B of those before. */
  readonly weights: {
    readonly source: string;
    readonly form: string;
    readonly encoder?: string;
    readonly side?: number;
    readonly untrained: boolean;
    readonly dtype: string;
  };
  /** Present where the weights are untrained: that what they find means nothing; and where slower kernels run than those for the GPU. */
  readonly notice?: string;
  readonly tasks: readonly string[];
  readonly plan: Plan['totals'];
  /** What one steady call asked of WebGPU, counted. */
  readonly calls: Readonly<Record<string, number>>;
  readonly load: Load;
  readonly first: number;
  readonly serial: Series;
  readonly pipelined: Series;
  readonly video: Measured<VideoSeries>;
  /** Results of earlier runs have none. */
  readonly detection?: Detection;
  readonly kernels: Measured<{ readonly times: readonly KernelTime[] }>;
  readonly roofline: Measured<Roofline>;
  readonly correctness: Measured<Correctness>;
  readonly peers: readonly Measured<PeerResult>[];
}

export const NOTICE =
  'The weights are seeded, not trained: what the network finds is noise. Times, counts and distances from the reference are real.';

/** Why a file is no result. */
export class BadResult extends Error {
  override readonly name = 'BadResult';
}

type Check = (value: unknown, path: string) => void;

const fail = (path: string, wanted: string): never => {
  throw new BadResult(`${path} is not ${wanted}`);
};
const text: Check = (value, path) => void (typeof value === 'string' || fail(path, 'a text'));
const truth: Check = (value, path) => void (typeof value === 'boolean' || fail(path, 'true or false'));
const amount: Check = (value, path) =>
  void ((typeof value === 'number' && Number.isFinite(value) && value >= 0) || fail(path, 'a number from 0'));
const list =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return fail(path, 'a list');
    for (const [i, one] of value.entries()) item(one, `${path}[${i}]`);
  };
const record =
  (item: Check): Check =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
    for (const [name, one] of Object.entries(value)) item(one, `${path}.${name}`);
  };
const object =
  (fields: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
    const found = value as Record<string, unknown>;
    for (const [name, check] of Object.entries(fields)) check(found[name], path === '' ? name : `${path}.${name}`);
    for (const [name, check] of Object.entries(optional)) if (found[name] !== undefined) check(found[name], `${path}.${name}`);
  };
const measured =
  (check: Check): Check =>
  (value, path) =>
    typeof value === 'object' && value !== null && 'skipped' in value ? text(value.skipped, `${path}.skipped`) : check(value, path);

const SUMMARY = object({ p50: amount, p95: amount, p99: amount, mean: amount, least: amount, most: amount });
const SERIES = { samples: list(amount), latency: SUMMARY, inFlight: amount, total: amount, fps: amount };
const TIME = object({
  kernel: text,
  pipeline: text,
  workgroups: list(amount),
  nodes: list(text),
  milliseconds: amount,
  repeats: amount,
  flops: amount,
  bytes: amount,
});
const TOTALS = ['dispatches', 'pipelines', 'macs', 'flops', 'bytes', 'activationBytes', 'weightBytes', 'readbackBytes'];
const LOAD = ['device', 'plan', 'weights', 'rest', 'total', 'compile', 'pipelines'];
const amounts = (names: readonly string[]): Check => object(Object.fromEntries(names.map((name) => [name, amount])));

const RESULT = object(
  {
    date: text,
    commit: text,
    settings: object(
      {
        form: text,
        dtype: text,
        batch: amount,
        frames: amount,
        seed: amount,
        weights: text,
        tasks: list(text),
        peers: list(text),
      },
      { encoder: text, side: amount },
    ),
    machine: object({
      userAgent: text,
      cores: amount,
      adapter: object({ vendor: text, architecture: text, device: text, description: text, software: truth }),
      features: list(text),
      limits: record(amount),
    }),
    weights: object({ source: text, form: text, untrained: truth, dtype: text }, { encoder: text, side: amount }),
    tasks: list(text),
    plan: amounts(TOTALS),
    calls: record(amount),
    load: amounts(LOAD),
    first: amount,
    serial: object(SERIES),
    pipelined: object(SERIES),
    video: measured(object({ ...SERIES, presented: amount, age: SUMMARY })),
    kernels: measured(object({ times: list(TIME) })),
    roofline: measured(object({ gflops: amount, gigabytesPerSecond: amount })),
    correctness: measured(object({ nmse: record(amount), bound: amount })),
    peers: list(
      measured(
        object(
          { peer: text, version: text, note: text, load: amount, first: amount, serial: object(SERIES) },
          { nmse: record(amount), dispatches: amount },
        ),
      ),
    ),
  },
  {
    notice: text,
    detection: object({ width: amount, height: amount, faces: amount, load: amount, first: amount, serial: object(SERIES) }),
  },
);

/** The value, if it is a result of this schema. @throws BadResult that names the first thing wrong */
export function checkResult(value: unknown): BenchResult {
  if (typeof value !== 'object' || value === null || !('schema' in value))
    throw new BadResult('it is no result of this benchmark: it has no `schema`');
  if (value.schema !== SCHEMA) throw new BadResult(`its schema is ${JSON.stringify(value.schema)}; this page reads schema ${SCHEMA}`);
  RESULT(value, '');
  return value as BenchResult;
}

/** A result from a file's text. @throws BadResult */
export function parseResult(content: string): BenchResult {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw new BadResult('it is not JSON');
  }
  return checkResult(value);
}
