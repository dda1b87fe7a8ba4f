/** One run of the benchmark, phase after phase; every phase's findings are handed out as soon as they are there. */
import { Mtcnn } from '../../src/detect/mtcnn.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { throwIfAborted } from '../../src/gpu/errors.ts';
import { SIZE } from '../../src/image/resize.ts';
import { type AnalyzeOptions, FaceXFormerError } from '../../src/index.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { BOUND, BOX, parseReference, SEED } from '../../tools/reference.ts';
import { countGpuCalls, type GpuCalls } from '../peers/count.ts';
import { type OpenDevice, openDevice } from './device.ts';
import { fetched } from './fetched.ts';
import { loadEngine } from './load.ts';
import { runPeers } from './peers/peers.ts';
import { type BenchResult, type Correctness, type Detection, type Measured, SCHEMA } from './result.ts';
import { measureRoofline } from './roofline.ts';
import type { Run, RunOptions } from './run.ts';
import { timeCalls, timeVideo } from './series.ts';
import type { Settings } from './settings.ts';

export const IN_FLIGHT = 3;
const PICTURE = 'astronaut.png';
/** Calls in each series unless the settings say, and calls before them that do not count. */
export const CALLS = { gpu: 100, software: 2 };
const WARMUP = { gpu: 5, software: 0 };

/** One for the page: prototypes are wrapped once. */
let counter: (() => GpuCalls) | undefined;

/** @throws FaceXFormerError whatever the engine throws; ABORTED */
export async function runBench(settings: Settings, { signal, say = () => {}, onPart = () => {} }: RunOptions = {}): Promise<BenchResult> {
  const blob = await fetched(PICTURE, (response) => response.blob());
  let known: Partial<BenchResult> = { schema: SCHEMA, date: new Date().toISOString(), commit: COMMIT, settings };
  const run: Run = {
    settings,
    signal,
    say,
    add(part) {
      known = { ...known, ...part };
      onPart(known);
    },
  };
  say('Opening the GPU');
  const opening = performance.now();
  const opened = await openDevice();
  counter ??= countGpuCalls();
  const { device, machine } = opened;
  run.add({ machine });
  const { software } = machine.adapter;
  let engine: Engine | undefined;
  try {
    const loaded = await loadEngine(opened, performance.now() - opening, run);
    engine = loaded.engine;
    await measureFrames(engine, blob, software, run);
    run.add({ detection: await measureDetection(opened, blob, run) });
    await measureKernels(engine, opened, run);
    say('Distance from the reference');
    run.add({ correctness: await correctness(loaded, settings, blob) });
  } finally {
    engine?.dispose();
    device.destroy();
  }
  run.add({ peers: await runPeers(settings, { blob, software, signal, say, countCalls: counter }) });
  return known as BenchResult;
}

/** First frame, one by one, in flight, video. */
async function measureFrames(engine: Engine, blob: Blob, software: boolean, { settings, signal, say, add }: Run): Promise<void> {
  const picture = await createImageBitmap(blob);
  const faces: AnalyzeOptions = settings.batch === 1 ? { box: BOX } : { boxes: Array.from({ length: settings.batch }, () => BOX) };
  const call = () => engine.analyze(picture, faces);
  const calls = settings.frames || CALLS[software ? 'software' : 'gpu'];
  const counted = (phase: string) => {
    say(phase, 0);
    return { calls, signal, onCall: (done: number) => say(`${phase}, ${done} of ${calls}`, Math.min(1, done / calls)) };
  };
  try {
    say('First frame');
    add({ first: (await timeCalls(call, 1, { calls: 1, signal })).total });
    for (let i = 0; i < WARMUP[software ? 'software' : 'gpu']; i++) await call();
    counter?.();
    const serial = await timeCalls(call, 1, counted('Frames one by one'));
    add({ serial, calls: shares(counter?.() ?? {}, calls) });
    add({ pipelined: await timeCalls(call, IN_FLIGHT, { ...counted('Frames in flight'), calls: Math.max(calls, 2) }) });
    add({ video: await timeVideo(picture, (video) => engine.analyze(video, faces), counted('Video')) });
  } finally {
    picture.close();
  }
}

/** MTCNN on the engine's device: the portrait large and four times small, in a picture of 1280 x 720. */
async function measureDetection({ device, machine }: OpenDevice, blob: Blob, { settings, signal, say }: Run): Promise<Detection> {
  say('Loading the detector');
  const [width, height] = [1280, 720];
  const portrait = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(width, height);
  const ctx = canvas.getContext('2d');
  ctx?.drawImage(portrait, 0, 0, height, height);
  for (const [x, y] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const)
    ctx?.drawImage(portrait, height + 280 * x, 360 * y, 280, 280);
  portrait.close();
  const picture = canvas.transferToImageBitmap();
  const begun = performance.now();
  const detector = await Mtcnn.load({ weights: new URL('mtcnn.safetensors', location.href), device, ...(signal && { signal }) });
  try {
    const load = performance.now() - begun;
    let faces = 0;
    const search = async () => {
      faces = (await detector.detect(picture, { signal })).length;
    };
    say('First search');
    const first = (await timeCalls(search, 1, { calls: 1, signal })).total;
    const calls = settings.frames || CALLS[machine.adapter.software ? 'software' : 'gpu'];
    const onCall = (done: number) => say(`Searches, ${done} of ${calls}`, done / calls);
    return { width, height, faces, load, first, serial: await timeCalls(search, 1, { calls, signal, onCall }) };
  } finally {
    detector.dispose();
    picture.close();
  }
}

/** What a call of many asked of WebGPU. */
function shares(counts: Partial<GpuCalls>, calls: number): Record<string, number> {
  const names = ['dispatches', 'passes', 'submits', 'buffers', 'bindGroups', 'copies', 'maps'] as const;
  return Object.fromEntries(names.map((name) => [name, (counts[name] ?? 0) / calls]));
}

async function measureKernels(engine: Engine, { device, machine }: OpenDevice, { signal, say, add }: Run): Promise<void> {
  if (!device.features.has('timestamp-query')) {
    const skipped = { skipped: 'the adapter has no timestamp-query' };
    return add({ roofline: skipped, kernels: skipped });
  }
  say('Roofs of the adapter');
  add({ roofline: await measureRoofline(device, machine.adapter.software).catch(reason) });
  throwIfAborted(signal);
  say('Kernels');
  add({ kernels: { times: await engine.profile() } });
  throwIfAborted(signal);
}

const reason = (error: unknown): { skipped: string } => {
  if (error instanceof FaceXFormerError && error.code !== 'LIMIT') throw error;
  return { skipped: error instanceof Error ? error.message : String(error) };
};

/** Every raw output against what the official code gave in float64 with the same weights. */
async function correctness(
  { engine, kind: form }: Awaited<ReturnType<typeof loadEngine>>,
  { seed, weights }: Settings,
  picture: Blob,
): Promise<Measured<Correctness>> {
  if (weights !== '' || seed !== SEED) return { skipped: `the reference is of seed ${SEED}` };
  const { backbone, side } = engine.info;
  if (form === 'segface' || side !== SIZE) return { skipped: `the references are of FaceXFormer at ${SIZE}` };
  const onSwin = backbone === 'swin_b';
  if (!onSwin && form !== 'paper') return { skipped: 'the references on this encoder are of the paper form' };
  const { outputs } = parseReference(
    await fetched(
      `reference/${onSwin ? form : `${form}-${backbone}`}.safetensors`,
      async (response) => new Uint8Array(await response.arrayBuffer()),
    ),
  );
  const { faces } = await engine.analyze(picture, { box: BOX, raw: true });
  const raw = faces[0]?.raw ?? {};
  const distances: Record<string, number> = {};
  for (const task of engine.tasks) {
    const expected = outputs.get(task);
    const found = raw[`output.${task}`];
    if (!expected || !found) throw new Error(`There is no ${expected ? 'output' : 'reference'} of ${task}.`);
    distances[task] = nmse(found.data, expected.values, expected.step);
  }
  return { nmse: distances, bound: BOUND };
}
