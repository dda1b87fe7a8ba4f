/** The engine as an app has it: loading, calls, frames in flight, batches; then its kernels one by one, its numbers, and its tuner. */
import { readFileSync, writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { type EngineDtype, FaceXFormer, type Form, type RawPicture, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { BOX, parseReference, SEED } from '../../tools/reference.ts';
import { summary } from '../page/statistics.ts';
import { threadOf } from './host.ts';
import { type KernelRow, kernelRows, milliseconds, table } from './kernels.ts';
import type { Note } from './note.ts';

export interface EngineRun {
  readonly form: Form;
  readonly dtype: EngineDtype;
  /** Where the picture and the reference runs are. */
  readonly folder: string;
  readonly out: string;
  readonly step: string;
}

/** An engine of any network. */
interface Analyses {
  analyze(source: RawPicture, faces: object): Promise<unknown>;
}

const WARM = 15;
const CALLS = 120;
const CALLS_OF_EIGHT = 20;
const IN_FLIGHT = 3;
const FACES = 8;
const TUNING_MS = Number(process.env['TUNING_MS'] ?? 2000);

/** Fewer calls where a CPU does the GPU's work, for which a frame takes seconds. */
export const calls = (wanted: number): number => Math.max(1, Math.round(wanted * Number(process.env['CALLS_SHARE'] ?? 1)));

export async function measureEngine(device: GPUDevice, note: Note, { form, dtype, folder, out, step }: EngineRun): Promise<void> {
  const source = portrait(folder);
  const lap = stopwatch();
  const engine = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf(form), SEED), device, dtype });
  note('load, the drawing of seeded weights in it, ms', lap());
  await engine.analyze(source, { box: BOX });
  note('first frame, ms', lap());
  note('as the table has it', await speeds(engine, source));
  const frames = calls(CALLS);
  note('the thread of frames in flight, ms a frame', await threadOf(frames, () => inFlight(engine, source, { box: BOX }, frames)));
  if (dtype === 'f32') note('NMSE against float64', await distances(engine, source, `${folder}/${REFERENCE[form]}`));
  const times = await engine.profile();
  const rows = kernelRows(engine.plan(), times);
  writeFileSync(`${out}/${step}-kernels.tsv`, table(rows));
  note('GPU, ms a frame, sum of its kernels', milliseconds(rows));
  note('by kernel', byKernel(rows));
  const ofEight = kernelRows(engine.plan(undefined, FACES), await engine.profile(undefined, FACES));
  writeFileSync(`${out}/${step}-eight-kernels.tsv`, table(ofEight));
  note('GPU, ms of eight faces, sum of its kernels', milliseconds(ofEight));
  note('of eight faces by kernel', byKernel(ofEight));
  const worst = rows.toSorted((a, b) => b.all - a.all).slice(0, 12);
  for (const { kernel, grid, threads, dispatches, each, tflops, node } of worst)
    console.log(`  ${dispatches} x ${each.toFixed(1)} us, ${threads} threads, ${tflops.toFixed(1)} TFLOP/s  ${kernel} ${grid}  ${node}`);
  const { shapes, ...tuned } = await engine.tune({ budget: TUNING_MS, force: true });
  note('shapes tuned', shapes, `${shapes.filter(({ measured }) => measured === 'all').length} of ${shapes.length} measured`);
  note('tuning', tuned);
  note('tuned', await speeds(engine, source));
  note('GPU when tuned, ms a frame', milliseconds(kernelRows(engine.plan(), await engine.profile())));
  engine.dispose();
}

/** The picture that everything is measured with. */
export function portrait(folder: string): RawPicture {
  const { width, height, data } = PNG.sync.read(readFileSync(`${folder}/astronaut.png`));
  return { width, height, data: new Uint8ClampedArray(data) };
}

export const REFERENCE: Readonly<Record<Form, string>> = {
  released: 'astronaut-face.safetensors',
  paper: 'astronaut-face-paper.safetensors',
};

/** Milliseconds and dispatches of a frame by the kernel's name, the dearest first. */
function byKernel(rows: readonly KernelRow[]): Record<string, { ms: number; dispatches: number }> {
  const own = (name: string) => rows.filter(({ kernel }) => kernel === name);
  const sums = [...new Set(rows.map(({ kernel }) => kernel))].map((name) => {
    const dispatches = own(name).reduce((sum, row) => sum + row.dispatches, 0);
    return [name, { ms: milliseconds(own(name)), dispatches }] as const;
  });
  return Object.fromEntries(sums.sort(([, a], [, b]) => b.ms - a.ms));
}

/** Milliseconds since it was last asked. */
export function stopwatch(): () => number {
  let started = performance.now();
  return () => {
    const took = performance.now() - started;
    started += took;
    return took;
  };
}

/** Milliseconds of calls one after another, frames a second with a few calls in flight, and faces a second in batches. */
async function speeds(engine: FaceXFormer, source: RawPicture): Promise<object> {
  const eight = { boxes: Array.from({ length: FACES }, () => BOX) };
  await oneByOne(engine, source, { box: BOX }, calls(WARM));
  const one = await oneByOne(engine, source, { box: BOX }, calls(CALLS));
  const framesInFlight = await inFlight(engine, source, { box: BOX }, calls(CALLS));
  await oneByOne(engine, source, eight, 1);
  const batch = await oneByOne(engine, source, eight, calls(CALLS_OF_EIGHT));
  const batchesInFlight = await inFlight(engine, source, eight, calls(CALLS_OF_EIGHT));
  return {
    one,
    'frames a second in flight': framesInFlight,
    eight: batch,
    'faces a second': (1000 * FACES) / batch.p50,
    'faces a second in flight': FACES * batchesInFlight,
  };
}

/** Calls a second where each begins before the one before it has been answered. */
export async function inFlight(engine: Analyses, source: RawPicture, faces: object, count: number): Promise<number> {
  const lap = stopwatch();
  const flying: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    flying.push(engine.analyze(source, faces));
    if (flying.length >= IN_FLIGHT) await flying.shift();
  }
  await Promise.all(flying);
  return (1000 * count) / lap();
}

export async function oneByOne(engine: Analyses, source: RawPicture, faces: object, count: number) {
  const times: number[] = [];
  const lap = stopwatch();
  for (let i = 0; i < count; i++) {
    await engine.analyze(source, faces);
    times.push(lap());
  }
  return summary(times);
}

/** Tells how far every raw output is from the official code's in float64, as NMSE. */
export async function distances(engine: FaceXFormer, source: RawPicture, file: string): Promise<Record<string, number>> {
  const { faces } = await engine.analyze(source, { box: BOX, raw: true });
  const raw = faces[0]?.raw ?? {};
  const { outputs } = parseReference(readFileSync(file));
  return Object.fromEntries([...outputs].map(([name, { values, step }]) => [name, nmse(raw[`output.${name}`]?.data ?? [], values, step)]));
}
