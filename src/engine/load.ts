/** Loading: a GPU, the kernels and the weights, side by side as far as they do not wait for each other. */

import { withCheckedBuffers } from '../checkpoint/check.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open.ts';
import { inFloat32 } from '../checkpoint/values.ts';
import { type Config, tasksOf } from '../face/config.ts';
import type { Task } from '../face/labels.ts';
import { type Gpu, openGpu } from '../gpu/device.ts';
import { either, gpuError, gpuLost, throwIfAborted } from '../gpu/errors.ts';
import { tag } from '../gpu/given.ts';
import { Pace } from '../gpu/pace.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { Resident } from '../gpu/recovery.ts';
import { allocated } from '../gpu/scope.ts';
import { unless, whenThere } from '../gpu/waiting.ts';
import { Parameters } from '../graph/parameters.ts';
import { type Choose, makePlan, type Plan } from '../graph/plan.ts';
import { selfTest } from '../graph/self-test.ts';
import type { FaceDetector } from '../image/detector.ts';
import { Preprocess } from '../image/preprocess.ts';
import { network } from '../model/network.ts';
import { forgetChoices, keptChoices } from '../tune/kept.ts';
import { type Choices, chooserOf } from '../tune/tune.ts';
import { askedKernels, dtypeFor, portableTo } from './choose.ts';
import { checkedDetector, checkedTasks, type EngineDtype, type LoadOptions, type Progress } from './options.ts';
import { outputsOf, Programs } from './programs.ts';

/** What an engine is made of. */
export interface Loaded<Kind extends Config = Config> extends Resident {
  readonly dtype: EngineDtype;
  readonly config: Kind;
  readonly tasks: readonly Task[];
  readonly parameters: Parameters;
  readonly preprocess: Preprocess;
  readonly programs: Programs;
  /** What was tuned, in this visit or an earlier one. */
  readonly chosen: { choices: Choices };
  readonly detector: FaceDetector | undefined;
  /** Where the weights are from. */
  readonly source: string;
  /** See `EngineInfo`. */
  readonly fallback: string | undefined;
}

/** Whether the weights can be read once more: those of a stream or an answer are gone once they have been. */
export const isRereadable = ({ weights }: LoadOptions): boolean =>
  isCheckpoint(weights) ? weights.rereadable : !/^(ReadableStream|Re(quest|sponse))$/.test(tag(weights));

/** Which network some tensors are of, at the side that was asked for. @throws FaceXFormerError WRONG_WEIGHTS */
export type ConfigOf<Kind extends Config> = (tensors: Checkpoint['tensors'], side: number | undefined) => Kind;

/**
 * See `FaceXFormer.load`. What was made is destroyed where it fails.
 * @param options of `loadOptionsOf`; what it opens of the weights stays there, to be read again
 * @param before what was lost: its kernels are taken again where the GPU is of the same kind
 */
export async function loadEngine<Kind extends Config>(
  options: LoadOptions,
  configOf: ConfigOf<Kind>,
  signal = options.signal,
  before?: Loaded<Kind>,
): Promise<Loaded<Kind>> {
  const { dtype: asked = 'auto', software } = options;
  throwIfAborted(signal);
  const tell = telling((!before && options.onProgress) || (() => {}));
  const arrived = (loaded: number, total: number) => tell('weights', loaded, total);
  tell('device', 0, 1);
  const gpu = await openGpu(options.device, { signal, software, float16: asked !== 'f32' });
  const parameters = new Parameters(gpu.device);
  const stop = new AbortController(); // ends a download under way when something else fails
  const ended = AbortSignal.any([either(signal, stop.signal), gpu.lost]);
  let preprocess: Preprocess | undefined;
  let programs: Programs | undefined;
  let detecting: Promise<FaceDetector> | undefined;
  const destroy = () => {
    whenThere(detecting, (detector) => detector.dispose?.());
    programs?.destroy();
    parameters.destroy();
    preprocess?.destroy();
    if (gpu.own) gpu.device.destroy();
  };
  try {
    if (!isCheckpoint(options.weights))
      options.weights = await openCheckpoint(options.weights, { signal: ended, fetch: options.fetch, onProgress: arrived });
    const checkpoint = inFloat32(options.weights);
    const config = configOf(checkpoint.tensors, options.side);
    const uploads = allocated(gpu.device, 'a picture', () => {
      preprocess = new Preprocess(gpu.device, config.side);
      return [preprocess];
    });
    const [pictures] = await unless(ended, uploads);
    const tasks = checkedTasks(options.tasks, tasksOf(config), 'these weights');
    let kernels = askedKernels(gpu, options.plan ?? 'auto');
    const dtype = dtypeFor(asked, gpu);
    const graphOf = (images: number) => network(config, { kernels, images, dtype, tasks });
    const planned = (choose?: Choose) => makePlan(graphOf(1), outputsOf(tasks, true, config.table), [], choose);
    let fallback: string | undefined;
    const portable = (wrong: string) => {
      fallback = wrong;
      kernels = portableTo(kernels);
      return planned();
    };
    const found =
      before && isLike(before, gpu, dtype)
        ? toPlanWith(before.chosen.choices)
        : await unless(ended, rememberedChoices(options, gpu, dtype));
    const pipelines = new Pipelines(gpu.device, new Pace(gpu.adapter.software));
    const plan = planned(found?.choose);
    const { detector } = options;
    if (typeof detector === 'function') detecting = Promise.resolve(detector({ device: gpu.device, signal: ended })).then(checkedDetector);
    const loading = Promise.all([
      compile(pipelines, plan, found, { planned, portable, signal: ended }, (loaded, total) => tell('pipelines', loaded, total)),
      detecting ?? (detector as FaceDetector | undefined),
      parameters.load(plan.parameters, withCheckedBuffers(checkpoint, config.tensors), {
        signal: ended,
        onProgress: arrived,
      }),
    ]);
    const [remembered, detects] = await unless(ended, loading);
    programs = new Programs({
      graphOf,
      config,
      pipelines,
      parameters,
      resources: pictures.resources,
      choose: remembered?.choose,
    });
    await unless(ended, programs.get({ tasks }));
    tell('ready', 1, 1);
    throwIfAborted(ended);
    return {
      gpu,
      dtype,
      config,
      tasks,
      parameters,
      preprocess: pictures,
      programs,
      detector: detects,
      chosen: { choices: remembered?.choices ?? {} },
      source: checkpoint.source,
      fallback,
      destroy,
    };
  } catch (error) {
    stop.abort();
    destroy();
    throw gpu.lost.aborted ? gpuLost(gpu.lost.reason, { cause: error }) : error;
  }
}

/** Plans of the same network to go on with when kernels do not compile or compute wrongly. */
interface Others {
  /** With the table's own kernels in the place of remembered ones. */
  readonly planned: () => Plan;
  /** With kernels that compute otherwise, since those of the table compute wrongly. */
  readonly portable?: ((wrong: string) => Plan) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Requests all pipelines at once, and tries each; a new driver may refuse what was remembered of the old one. Gives what is worth remembering.
 * @throws FaceXFormerError GPU_ERROR: one does not compile, or computes wrongly, and so does a portable one
 */
async function compile(
  pipelines: Pipelines,
  plan: Plan,
  remembered: Remembered,
  { planned, portable, signal }: Others,
  onProgress: (compiled: number, total: number) => void,
): Promise<Remembered> {
  let wrong = '';
  try {
    const asked = new Set(plan.dispatches.map(({ kernel, launch }) => pipelines.get(kernel, launch)));
    let compiled = 0;
    onProgress(0, asked.size);
    const all = [...asked].map((one) => one.then(() => onProgress(++compiled, asked.size)));
    [wrong = ''] = await Promise.all([selfTest(pipelines, plan, signal), ...all]);
    if (!wrong) return remembered;
  } catch (error) {
    if (!remembered || signal.aborted) throw error; // nobody waits any more: the choices are none the worse
  }
  if (remembered) {
    await remembered.forget();
    return compile(pipelines, planned(), undefined, { planned, portable, signal }, onProgress);
  }
  if (!portable) throw gpuError(`${wrong} Update the browser or the graphics driver, or use another GPU.`);
  return compile(pipelines, portable(wrong), undefined, { planned, signal }, onProgress);
}

/** What each phase is of the whole, roughly as time goes by where weights come from a network. The rest is for what follows both. */
const SHARES = { weights: 0.7, pipelines: 0.27 };

/** Tells how far the loading is, of a phase and of everything. */
function telling(onProgress: (progress: Progress) => void) {
  const done: Record<Progress['phase'], number> = { device: 0, weights: 0, pipelines: 0, ready: 0 };
  return (phase: Progress['phase'], loaded: number, total: number): void => {
    if (total > 0) done[phase] = Math.max(done[phase], loaded / total);
    const fraction = phase === 'ready' ? 1 : SHARES.weights * done.weights + SHARES.pipelines * done.pipelines;
    onProgress({ phase, loaded, total, fraction });
  };
}

/** Whether kernels that were measured there are of use here. */
const isLike = (before: Loaded, { adapter }: Gpu, dtype: EngineDtype): boolean =>
  before.dtype === dtype && JSON.stringify(before.gpu.adapter) === JSON.stringify(adapter);

/** @param forget for choices that turn out to be of no use */
const toPlanWith = (choices: Choices, forget = async () => {}) => ({ choices, choose: chooserOf(choices), forget });

type Remembered = ReturnType<typeof toPlanWith> | undefined;

/** Where there is no IndexedDB there is nothing to find. */
async function rememberedChoices({ tuned = true }: LoadOptions, { adapter }: Gpu, dtype: EngineDtype): Promise<Remembered> {
  const choices = tuned && globalThis.indexedDB ? await keptChoices(adapter, dtype) : undefined;
  return choices && toPlanWith(choices, () => forgetChoices(adapter, dtype));
}

/** What an app made itself, or opened before; everything else is a source of bytes, or nothing of the kind. */
const isCheckpoint = (weights: LoadOptions['weights']): weights is Checkpoint =>
  tag(weights) === 'Object' && ('tensors' in (weights as object) || 'read' in (weights as object));
