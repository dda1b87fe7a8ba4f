/**
 * What holds on a real driver: the self-test of every kind of kernels, the same bits in every frame, devices that are destroyed at eight moments, a
 * device of WebGPU's default limits, and dispatches that do nothing. A part that fails is noted, and the others go on.
 */
import { createHash } from 'node:crypto';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf } from '../../src/face/config.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { makePlan, type Plan } from '../../src/graph/plan.ts';
import { ALLOWED, selfTest } from '../../src/graph/self-test.ts';
import {
  type Checkpoint,
  FaceXFormer,
  FaceXFormerError,
  type Form,
  type LoadOptions,
  type RawPicture,
  seededCheckpoint,
  tensorsOf,
} from '../../src/index.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { KINDS, ROLES } from '../../src/kernels/roles.ts';
import { network } from '../../src/model/network.ts';
import { followFaces } from '../../src/video/index.ts';
import { atNext, devicesFromNowOn } from '../../tools/devices.ts';
import { BOX, SEED } from '../../tools/reference.ts';
import { remembered } from '../../tools/remembered.ts';
import { calls, distances, REFERENCE, stopwatch } from './engine.ts';
import type { Note } from './note.ts';

const FRAMES = 200;
/** Milliseconds after which a part is given up, where a GPU does the work. */
const PART = 45_000 / Math.min(1, Number(process.env['CALLS_SHARE'] ?? 1));
/** The kinds of GPU whose kernels are tried; others need subgroups of so many lanes. */
const TRIED = process.env['ROBUST_KINDS']?.split(' ').filter(Boolean) ?? KINDS.filter((kind) => !kind.startsWith('subgroup'));

export interface RobustRun {
  readonly gpu: GPU;
  /** With all features that kernels use. */
  readonly device: GPUDevice;
  readonly picture: RawPicture;
  /** Where the reference runs are. */
  readonly folder: string;
}

export async function checkRobustness({ gpu, device, picture, folder }: RobustRun, note: Note): Promise<void> {
  const unhandled: string[] = [];
  process.on('unhandledRejection', (reason) => {
    unhandled.push(String(reason));
    note('unhandled rejections', unhandled);
  });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const weights = remembered(seededCheckpoint(tensorsOf('released'), SEED));
  const pictures = [picture, upsideDown(picture)];
  const parts: Record<string, () => Promise<unknown>> = {
    'self-test, f32': () => selfTests(device, 'f32', note),
    'eight moments': () => eightMoments(weights, pictures, note),
    'default limits': () => onDefaultLimits(gpu, picture, folder),
    'empty dispatches': () => emptyDispatches(weights, picture),
    'self-test, f16': async () => (device.features.has('shader-f16') ? selfTests(device, 'f16', note) : 'no shader-f16'),
  };
  for (const [name, part] of Object.entries(parts)) {
    const lap = stopwatch();
    const late = new Promise<never>((_, reject) => setTimeout(reject, PART, new Error('no end in time')));
    const came = await Promise.race([part(), late]).catch((error: unknown) => ({ failed: said(error) }));
    note(name, came);
    note(`${name}, ms`, lap());
  }
  note('unhandled rejections', unhandled);
}

const said = (error: unknown): string =>
  error instanceof FaceXFormerError ? `${error.code} ${error.message}` : `untyped: ${(error as Error)?.stack ?? error}`;

/** Every kind's kernels, of both forms: milliseconds of compiling and of the test, what is wrong, and how near to wrong the nearest is. */
async function selfTests(device: GPUDevice, dtype: Dtype, note: Note): Promise<string> {
  const pipelines = new Pipelines(device); // kinds share kernels
  let wrong = 0;
  for (const kind of TRIED as readonly (keyof typeof ROLES)[])
    for (const form of ['released', 'paper'] as const) {
      const plan = planOf(form, kind, dtype);
      const lap = stopwatch();
      const came = await tried(pipelines, plan, lap).catch((error: unknown) => ({ wrong: [said(error)] }));
      wrong += came.wrong.length;
      note(`self-test, ${kind}, ${form}, ${dtype}`, came);
    }
  return `${wrong} wrong`;
}

function planOf(form: Form, kind: keyof typeof ROLES, dtype: Dtype): Plan {
  const config = readConfig(seededCheckpoint(tensorsOf(form)).tensors);
  const tasks = tasksOf(config);
  return makePlan(network(config, { kernels: ROLES[kind], dtype, tasks }), outputsOf(tasks, true));
}

async function tried(pipelines: Pipelines, plan: Plan, lap: () => number) {
  await Promise.all(plan.dispatches.map(({ kernel, launch }) => pipelines.get(kernel, launch)));
  const compiling = lap();
  const first = await selfTest(pipelines, plan);
  const testing = lap();
  if (first) return { compiling, testing, wrong: await eachAlone(pipelines, plan) };
  const allowed = { ...ALLOWED };
  for (let share = 4; share <= 4096; share *= 4) {
    for (const dtype of ['f32', 'f16'] as const) ALLOWED[dtype] = allowed[dtype] / share;
    const nearest = await selfTest(pipelines, plan);
    Object.assign(ALLOWED, allowed);
    if (nearest) return { compiling, testing, wrong: [], nearest: `at a ${share}th of what is allowed: ${nearest}` };
  }
  return { compiling, testing, wrong: [] };
}

/** Says of every pipeline what is wrong with it. */
async function eachAlone(pipelines: Pipelines, plan: Plan): Promise<string[]> {
  const wrong = new Set<string>();
  for (const dispatch of plan.dispatches) wrong.add((await selfTest(pipelines, { ...plan, dispatches: [dispatch] })) ?? '');
  wrong.delete('');
  return [...wrong];
}

/** Two pictures in turns, the same bits from the first frame to the last; then a device that is destroyed at eight moments, and the same bits again. */
async function eightMoments(weights: Checkpoint, pictures: readonly RawPicture[], note: Note): Promise<string> {
  const { devices, end } = devicesFromNowOn();
  const lose = () => devices.at(-1)?.destroy();
  const load = (more: Partial<LoadOptions> = {}) => FaceXFormer.load({ weights, dtype: 'f32', ...more });
  const failed: string[] = [];
  const lap = stopwatch();
  const one = async (engine: FaceXFormer, i = 0) => bitsOf(await engine.analyze(pictures[i] as RawPicture, { box: BOX, raw: true }));
  /** Notes whether what came of a moment is what may come. */
  const held = (moment: string, isRight: boolean, came: unknown) => {
    if (!isRight) failed.push(moment);
    note(`destroyed ${moment}`, { held: isRight, came, ms: lap() });
  };
  try {
    const detector = { detect: async () => [{ box: BOX, score: 1 }] };
    const engine = await load({ detector });
    const right = [await one(engine), await one(engine, 1)];
    let others = 0;
    const frames = Math.max(4, calls(FRAMES));
    for (let i = 0; i < frames; i++) if ((await one(engine, i % 2)) !== right[i % 2]) others++;
    note('frames of other bits than the first', { others, frames, pictures: new Set(right).size, ms: lap() });
    const whole = async (of: FaceXFormer) => {
      const came = [await one(of), await one(of, 1)];
      return came.join() === right.join() ? 'the same bits' : 'other bits';
    };
    const back = async (what: () => Promise<unknown>) => {
      const { lost } = engine;
      const came = await what().catch(said);
      const recovered = await (await lost).recovered;
      return [came, recovered, await whole(engine)] as const;
    };
    const isBack = ([, recovered, bits]: readonly unknown[]) => recovered === true && bits === 'the same bits';
    const isLost = (came: unknown) => String(came).startsWith('DEVICE_LOST');

    const idle = await back(async () => lose());
    held('when idle', isBack(idle), idle);
    atNext(GPUQueue.prototype, 'submit', lose);
    const submit = await back(() => one(engine));
    held('in submit', isBack(submit) && isLost(submit[0]), submit);
    atNext(GPUBuffer.prototype, 'mapAsync', lose);
    const readback = await back(() => one(engine));
    held('in readback', isBack(readback) && isLost(readback[0]), readback);
    const session = await back(() => follow(engine, pictures[0] as RawPicture, lose));
    held('in a session', isBack(session) && String(session[0]).startsWith('ended'), session);
    atNext(GPUAdapter.prototype, 'requestDevice', () => setTimeout(lose, 200));
    const during = await back(async () => lose());
    held('during recovery', isBack(during), during);
    engine.dispose();
    lose();
    const after = await one(engine).catch(said);
    held('after dispose', after.startsWith('DISPOSED'), after);

    let phase = '';
    const loading = load({
      onProgress: (progress) => {
        if (progress.phase === 'weights' && phase !== 'weights') lose();
        phase = progress.phase;
      },
    });
    held('in loading', ...(await loaded(loading, whole)));
    atNext(GPUDevice.prototype, 'createComputePipelineAsync', lose);
    held('in compiling', ...(await loaded(load(), whole)));
  } finally {
    end();
  }
  return failed.length === 0 ? 'all held' : `failed: ${failed.join(', ')}`;
}

async function loaded(loading: Promise<FaceXFormer>, whole: (engine: FaceXFormer) => Promise<string>): Promise<[boolean, string]> {
  try {
    const engine = await loading;
    const bits = await whole(engine);
    engine.dispose();
    return [bits === 'the same bits', bits];
  } catch (error) {
    return [false, said(error)];
  }
}

/** Frames of a video, under whose third one the device goes; the session has to go on to the end. */
async function follow(engine: FaceXFormer, picture: RawPicture, lose: () => void): Promise<string> {
  const frames = async function* () {
    for (let i = 0; i < 6; i++) {
      if (i === 2) setTimeout(lose, 2);
      yield picture;
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  let results = 0;
  const faults: string[] = [];
  const session = followFaces(engine, frames(), { onResult: () => results++, onFault: ({ code }) => faults.push(code) });
  const { reason, error } = await session.ended;
  return `${reason}, ${results} results, faults: ${faults.join(' ')}${error ? `, ${said(error)}` : ''}`;
}

/** Both forms on a device that was asked for nothing: NMSE of every output against PyTorch's float64. */
async function onDefaultLimits(gpu: GPU, picture: RawPicture, folder: string): Promise<unknown> {
  const forms: Record<string, unknown> = {};
  for (const form of ['released', 'paper'] as const) {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    const device = await adapter?.requestDevice();
    if (!device) throw new Error('There is no device.');
    const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize, maxStorageBuffersPerShaderStage } = device.limits;
    const limits = { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize, maxStorageBuffersPerShaderStage };
    const engine = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf(form), SEED), device, dtype: 'f32' });
    const far = await distances(engine, picture, `${folder}/${REFERENCE[form]}`);
    engine.dispose();
    device.destroy();
    forms[form] = { limits, features: [...device.features], farthest: Math.max(...Object.values(far)), far };
  }
  return forms;
}

/** Dispatches that do nothing, from the start and after a frame: neither is an answer. */
async function emptyDispatches(weights: Checkpoint, picture: RawPicture): Promise<unknown> {
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  const doNothing = () => {
    GPUComputePassEncoder.prototype.dispatchWorkgroups = () => undefined;
  };
  const frame = (engine: FaceXFormer) => engine.analyze(picture, { box: BOX }).then(() => 'an answer', said);
  try {
    const engine = await FaceXFormer.load({ weights, dtype: 'f32' });
    const before = await frame(engine);
    doNothing();
    const after = [await frame(engine), await frame(engine)];
    engine.dispose();
    const fromTheStart = await FaceXFormer.load({ weights, dtype: 'f32' }).then(frame, said);
    return { held: ![...after, fromTheStart].includes('an answer') && before === 'an answer', after, fromTheStart };
  } finally {
    GPUComputePassEncoder.prototype.dispatchWorkgroups = dispatchWorkgroups;
  }
}

/** Every bit of a face's outputs, in short. */
function bitsOf({ faces }: Awaited<ReturnType<FaceXFormer['analyze']>>): string {
  const hash = createHash('sha256');
  for (const { raw = {}, segmentation } of faces) {
    for (const name of Object.keys(raw).toSorted()) hash.update(name).update((raw[name] as { data: Uint8Array }).data);
    if (segmentation) hash.update(segmentation.classes);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The same rows from the last to the first. */
function upsideDown({ width, height, data }: RawPicture): RawPicture {
  const rows = Array.from({ length: height }, (_, y) => data.subarray(4 * width * (height - 1 - y), 4 * width * (height - y)));
  return { width, height, data: new Uint8ClampedArray(rows.flatMap((row) => [...row])) };
}
