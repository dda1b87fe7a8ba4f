/** One run of the benchmark, phase after phase; every phase's findings are handed out as soon as they are there. */
import { throwIfAborted } from '../../src/gpu/errors.ts';
import {
  type AnalyzeOptions,
  type Checkpoint,
  FaceXFormer,
  FaceXFormerError,
  type LoadOptions,
  seededCheckpoint,
  tensorsOf,
} from '../../src/index.ts';
import { countGpuCalls } from '../peers/count.ts';
import { BOUND, BOX, nmse, parseReference, SEED } from '../reference.ts';
import { type OpenDevice, openDevice } from './device.ts';
import { fetched } from './fetched.ts';
import { runPeers } from './peers/peers.ts';
import { type BenchResult, type Correctness, type Load, type Measured, NOTICE, SCHEMA } from './result.ts';
import { measureRoofline } from './roofline.ts';
import { timeCalls, timeVideo } from './series.ts';
import type { Settings } from './settings.ts';

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** What is being done, and how far it is: 0 to 1, or unknown. */
  readonly say?: ((phase: string, part?: number) => void) | undefined;
  /** What is known so far. */
  readonly onPart?: ((part: Partial<BenchResult>) => void) | undefined;
}

const IN_FLIGHT = 3;
const PICTURE = 'astronaut.png';
/** Calls in each series unless the settings say, and calls before them that do not count. */
const CALLS = { gpu: 100, software: 2 };
const WARMUP = { gpu: 5, software: 0 };

/** Lets the page draw. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** @throws FaceXFormerError whatever the engine throws; ABORTED */
export async function runBench(settings: Settings, { signal, say = () => {}, onPart = () => {} }: RunOptions = {}): Promise<BenchResult> {
  const countCalls = countGpuCalls();
  const blob = await fetched(PICTURE, (response) => response.blob());
  const picture = await createImageBitmap(blob);
  let known: Partial<BenchResult> = { schema: SCHEMA, date: new Date().toISOString(), commit: COMMIT, settings };
  const add = (part: Partial<BenchResult>) => {
    known = { ...known, ...part };
    onPart(known);
  };
  say('Opening the GPU');
  const opening = performance.now();
  const opened = await openDevice();
  const { device, machine } = opened;
  add({ machine });
  const { software } = machine.adapter;
  let engine: FaceXFormer | undefined;
  try {
    const loaded = await loadEngine(settings, opened, { signal, say, device: performance.now() - opening });
    engine = loaded.engine;
    const { load } = loaded;
    const running = engine;
    const untrained = settings.weights === '';
    add({
      load,
      weights: { source: engine.info.weights, form: engine.info.form, untrained, dtype: loaded.dtype },
      ...(untrained && { notice: NOTICE }),
      tasks: engine.tasks,
      plan: engine.plan().totals,
    });
    const faces: AnalyzeOptions = settings.batch === 1 ? { box: BOX } : { boxes: Array.from({ length: settings.batch }, () => BOX) };
    const call = () => running.analyze(picture, faces);
    say('First frame');
    add({ first: (await timeCalls(call, 1, { calls: 1, signal })).total });

    const calls = settings.frames || CALLS[software ? 'software' : 'gpu'];
    const counted = (phase: string) => ({ calls, signal, onCall: (done: number) => say(`${phase}, ${done} of ${calls}`, done / calls) });
    for (let i = 0; i < WARMUP[software ? 'software' : 'gpu']; i++) await call();
    countCalls();
    say('Frames one by one', 0);
    const serial = await timeCalls(call, 1, counted('Frames one by one'));
    const { dispatches, passes, submits, buffers, bindGroups, copies, maps } = countCalls();
    const a = (count: number) => count / calls;
    add({
      serial,
      calls: {
        dispatches: a(dispatches),
        passes: a(passes),
        submits: a(submits),
        buffers: a(buffers),
        bindGroups: a(bindGroups),
        copies: a(copies),
        maps: a(maps),
      },
    });
    say('Frames in flight', 0);
    add({ pipelined: await timeCalls(call, IN_FLIGHT, { ...counted('Frames in flight'), calls: Math.max(calls, 2) }) });
    say('Video', 0);
    add({ video: await timeVideo(picture, (video) => running.analyze(video, faces), counted('Video')) });
    await breathe();

    say('Roofs of the adapter');
    const clock = device.features.has('timestamp-query');
    const skipped = { skipped: 'the adapter has no timestamp-query' };
    add({ roofline: clock ? await measureRoofline(device, software).catch(reason) : skipped });
    throwIfAborted(signal);
    say('Kernels');
    add({ kernels: clock ? { times: await engine.profile() } : skipped });
    throwIfAborted(signal);
    say('Distance from the reference');
    add({ correctness: await correctness(engine, settings, blob) });
  } finally {
    engine?.dispose();
    device.destroy();
    picture.close();
  }
  add({ peers: await runPeers(settings, { blob, software, signal, say, countCalls }) });
  return known as BenchResult;
}

const reason = (error: unknown): { skipped: string } => {
  if (error instanceof FaceXFormerError && error.code !== 'LIMIT') throw error;
  return { skipped: error instanceof Error ? error.message : String(error) };
};

interface LoadWatch {
  readonly signal: AbortSignal | undefined;
  readonly say: NonNullable<RunOptions['say']>;
  /** Milliseconds that opening the device took. */
  readonly device: number;
}

async function loadEngine(
  settings: Settings,
  { device, compiled }: OpenDevice,
  watch: LoadWatch,
): Promise<{ engine: FaceXFormer; load: Load; dtype: string }> {
  const start = performance.now();
  let [planned, arrived] = [0, 0];
  watch.say('Loading weights');
  const engine = await FaceXFormer.load({
    weights: settings.weights === '' ? breathing(seededCheckpoint(tensorsOf(settings.form), settings.seed)) : settings.weights,
    device,
    ...(settings.tasks.length > 0 && { tasks: settings.tasks }),
    ...(settings.dtype !== 'auto' && { dtype: settings.dtype }),
    ...(watch.signal && { signal: watch.signal }),
    onProgress({ phase, loaded, total }) {
      const now = performance.now();
      if (phase === 'pipelines') planned ||= now;
      if (phase !== 'weights') return;
      arrived = now;
      watch.say(loaded < total ? 'Loading weights' : 'Compiling kernels', loaded < total ? loaded / total : undefined);
    },
  } as LoadOptions);
  const end = performance.now();
  const dtype = 'dtype' in engine.info ? String(engine.info.dtype) : 'f32';
  if (settings.dtype !== 'auto' && settings.dtype !== dtype) {
    engine.dispose();
    throw new FaceXFormerError('BAD_OPTION', `This engine computes in ${dtype} here, not in ${settings.dtype}.`);
  }
  const { milliseconds, pipelines } = compiled();
  const load = {
    device: watch.device,
    plan: planned - start,
    weights: arrived - planned,
    rest: end - arrived,
    total: watch.device + end - start,
  };
  return { engine, dtype, load: { ...load, compile: milliseconds, pipelines } };
}

/** Seeded weights are computed on this thread: a pause after each tensor keeps the page alive. */
function breathing(checkpoint: Checkpoint): Checkpoint {
  return {
    ...checkpoint,
    async *read(options) {
      for await (const tensor of checkpoint.read(options)) {
        yield tensor;
        await breathe();
      }
    },
  };
}

/** Every raw output against what the official code gave in float64 with the same weights. */
async function correctness(engine: FaceXFormer, { seed, weights }: Settings, picture: Blob): Promise<Measured<Correctness>> {
  if (weights !== '' || seed !== SEED) return { skipped: `the reference is of seed ${SEED}` };
  const { outputs } = parseReference(
    await fetched(`reference/${engine.info.form}.safetensors`, async (response) => new Uint8Array(await response.arrayBuffer())),
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
