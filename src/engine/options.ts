/** What is asked of the engine, and what it answers. */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { WeightsSource } from '../checkpoint/open.ts';
import type { AnalyzedFace } from '../face/faces.ts';
import type { Form } from '../face/forms.ts';
import { TASKS, type Task } from '../face/labels.ts';
import type { AdapterName, LentDevice } from '../gpu/device.ts';
import { badOption, FaceXFormerError } from '../gpu/errors.ts';
import { given, type Kind, mustBe, mustBeWhole, optionsOf, shown, tag } from '../gpu/given.ts';
import { type AnyBox, boxOf } from '../image/crop.ts';
import type { FaceDetector, LoadDetector } from '../image/detector.ts';
import type { QueueMode } from '../image/line.ts';
import type { TunedShape } from '../tune/tune.ts';

/** How far `load` is. Weights arrive while pipelines are compiled: it tells now of these, now of those. */
export interface Progress {
  readonly phase: 'device' | 'pipelines' | 'weights' | 'ready';
  /** In phase `weights` bytes that have come, and of all (0 until that is known); in phase `pipelines` those compiled; else 0 or 1 of 1. */
  readonly loaded: number;
  readonly total: number;
  /** How much of everything is done, for a bar: 0 to 1, never falls, and is 1 in phase `ready` alone. */
  readonly fraction: number;
}

/** Element type of weights and activations on the GPU. */
export type EngineDtype = 'f32' | 'f16';

/** What `FaceXFormer.load` takes. */
export interface LoadOptions<Asked extends Task = Task> {
  /**
   * A safetensors file (address, Blob, bytes, stream, response), hosted weights (the address of their folder, ending in `/`), or an open
   * checkpoint such as `seededCheckpoint()`; in float32, float16, bfloat16, float64, or int8 with scales.
   */
  weights: WeightsSource | Checkpoint;
  /** Tasks to load for; default all that the weights know. What none of them needs is neither uploaded nor run. */
  tasks?: readonly Asked[] | undefined;
  /**
   * What finds faces where `analyze` is given no box: `mtcnn()` of `facexformer-webgpu/detect`, which is loaded beside the weights, or a detector that
   * is there, which stays the caller's to dispose of.
   */
  detector?: FaceDetector | LoadDetector | undefined;
  /**
   * Side of the square that a crop is resized to, in pixels: a multiple of 32 from 224 to 512. Unless given what the network was made for: FaceXFormer
   * 224, SegFace 512. Weights do not say which they were trained for, and answer best there.
   */
  side?: number | undefined;
  /**
   * What the GPU computes with: `f16` halves what weights and activations take there, and needs the WebGPU feature `shader-f16`; `auto`,
   * the default, leaves the choice to the engine. The weights' own type in the file does not matter.
   */
  dtype?: 'auto' | EngineDtype | undefined;
  /** With which kernels the network is computed. `auto`, the default: what suits the adapter; `fused`: a desktop GPU's on a CPU too, to compare. */
  plan?: 'auto' | 'fused' | undefined;
  /**
   * Whether kernels that `tune()` chose in an earlier visit, on this GPU and in this version of browser and engine, are used; default true.
   * Where it was never called the engine's own table decides.
   */
  tuned?: boolean | undefined;
  /** Fetches weights that are given by address, instead of the runtime's own: to sign addresses, say, or to add headers. */
  fetch?: typeof globalThis.fetch | undefined;
  /** A GPUDevice of the application's own, to share; it is not destroyed by `dispose()`. For float16 it must have `shader-f16`. */
  device?: LentDevice | undefined;
  /**
   * Whether a GPU that is lost is replaced by another: the weights are read again from where they came, so that an address, a Blob or bytes are held on
   * to; default true. A lent `device` never is, nor are weights of a stream or a Response read twice. Otherwise a loss is final.
   */
  recover?: boolean | undefined;
  /** Whether a CPU may do a GPU's work, which takes seconds a face; default true. Otherwise that is NO_ADAPTER. */
  software?: boolean | undefined;
  /** Ends the loading with ABORTED; what was made is destroyed. */
  signal?: AbortSignal | undefined;
  /** Called when a phase begins, as weights arrive, and as pipelines are compiled. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** What `FaceXFormer.analyze` takes. */
export interface AnalyzeOptions<Asked extends Task = Task> {
  /**
   * The face's box in picture pixels, used as it is: already widened. `whole` takes the whole picture for one. Unless given, the faces are those
   * that the detector finds.
   */
  box?: AnyBox | 'whole' | undefined;
  /** Several faces of one picture; instead of `box`. */
  boxes?: readonly AnyBox[] | undefined;
  /**
   * What the network sees of a face that was detected: `official`, the default, widens its box by half its width and half its height and lets them
   * be resized apart, as the official script does; `square` keeps the face's proportions.
   */
  crop?: 'official' | 'square' | undefined;
  /** How many of the detected faces at most, in the detector's order; all unless given. */
  maxFaces?: number | undefined;
  /** Tasks of this call; default all that were loaded. */
  tasks?: readonly Asked[] | undefined;
  /** Adds each face's raw network outputs as `raw`. */
  raw?: boolean | undefined;
  /** Adds every intermediate of these tasks that PyTorch can be asked for to `raw`, as `tap.*`. For tests: about 25 MB a face. */
  taps?: boolean | undefined;
  /** Adds the landmarks' heat maps, [1, 68, 56, 56], as `heatmaps`. Only weights of the paper's form make them. */
  heatmaps?: boolean | undefined;
  /**
   * What happens where earlier calls are not answered yet. `wait`, the default: the call waits for its turn; 1,000 calls may, of which 32 may be of
   * videos, canvases and image elements, whose pixels are copied. `latest`, the default of a video and a VideoFrame: it waits until they are answered, and
   * the next such call takes its place, so that answers stay young. `refuse`: it does not wait. Whoever has no place fails with BUSY.
   */
  queue?: QueueMode | undefined;
  /**
   * Whether the call is run once more where the GPU is lost under it and there is another; default false: it fails with DEVICE_LOST. The picture is
   * held until the answer.
   */
  repeat?: boolean | undefined;
  /** Ends the call with ABORTED; calls before and after it are answered. */
  signal?: AbortSignal | undefined;
}

/** What `FaceXFormer.tune` takes. */
export interface TuneOptions {
  /** Milliseconds after which no further measurement is begun; default 2000. */
  budget?: number | undefined;
  /** Measure again what was chosen before. */
  force?: boolean | undefined;
  /** Ends the tuning with ABORTED; nothing of it is adopted then. */
  signal?: AbortSignal | undefined;
}

/** What came of tuning, as JSON can hold it. */
export interface TuneReport {
  readonly adapter: AdapterName;
  readonly dtype: EngineDtype;
  /** Milliseconds: what was allowed, and what it took with compiling the winners. */
  readonly budget: number;
  readonly spent: number;
  /** The shapes with the most multiply-adds of a frame come first; there are none where the plan has nothing to choose. */
  readonly shapes: readonly TunedShape[];
  /** How many shapes have another kernel than the table's now. */
  readonly adopted: number;
  /** Whether the next visit finds the choices. */
  readonly remembered: boolean;
}

/** A face with results of these tasks: all of them are there where the type names them. */
export type FaceWith<Asked extends Task> = Task extends Asked ? AnalyzedFace : AnalyzedFace & Required<Pick<AnalyzedFace, Asked>>;

/** What `FaceXFormer.analyze` found in one picture. */
export interface Analysis<Asked extends Task = Task> {
  /** One a box in the order of the boxes, or one a detected face in the detector's order: none where it found none. */
  readonly faces: FaceWith<Asked>[];
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  readonly timings: Timings;
}

/** Milliseconds. */
export interface Timings {
  /** Opening the picture. */
  readonly decode: number;
  /** Finding faces in it. */
  readonly detect: number;
  /** Copying crops to the GPU, over all faces. */
  readonly upload: number;
  /** JavaScript that recorded and submitted the frames' commands, over all faces. */
  readonly encode: number;
  /** It runs from the first frame's submit to the last one's results; frames of earlier calls that the GPU had to finish first are in it. */
  readonly run: number;
  /** Everything from when the call's turn came to its answer. */
  readonly total: number;
}

/** What a loaded engine is. */
export interface EngineInfo {
  readonly adapter: AdapterName;
  /** What runs. */
  readonly dtype: EngineDtype;
  /** Where the weights are from: an address, a file's name, or `seeded 20240319`. */
  readonly weights: string;
  /** Which of the two forms the weights are of; it decides what tasks there are. */
  readonly form: Form;
  /** The encoder that they have, by its name: `swin_b` is that of the public weights. */
  readonly backbone: string;
  /** Side of the square that crops are resized to, in pixels. */
  readonly side: number;
  /** Bytes of weights on the GPU. */
  readonly weightBytes: number;
  /** What is wrong with the kernels for this kind of GPU, where the self-test found them wrong and slower ones run in their place. */
  readonly fallback: string | undefined;
}

/**
 * The tasks asked for, in the order of `known`; all of them where none are named.
 * @param who whose tasks `known` are, for the message
 * @throws FaceXFormerError UNKNOWN_TASK, BAD_OPTION
 */
export function checkedTasks(asked: readonly Task[] | undefined, known: readonly Task[], who: string): readonly Task[] {
  if (asked === undefined) return known;
  const choose = `Choose from ${known.join(', ')}.`;
  const list = given(`\`tasks\` must be a list of one or more. ${choose}`, () => {
    if (Array.isArray(asked) && asked.length > 0) return [...asked];
    throw new TypeError();
  });
  for (const task of list)
    if (!known.includes(task)) {
      const what = TASKS.includes(task) ? `The task ${task} is beyond ${who}` : `There is no task ${shown(task)}`;
      throw new FaceXFormerError('UNKNOWN_TASK', `${what}. ${choose}`);
    }
  return known.filter((task) => list.includes(task));
}

const LOAD_OPTIONS: Readonly<Record<keyof LoadOptions, Kind>> = {
  weights: 'any',
  side: 'any',
  tasks: 'any',
  detector: 'any',
  dtype: ['auto', 'f32', 'f16'],
  plan: ['auto', 'fused'],
  tuned: 'boolean',
  device: 'any',
  recover: 'boolean',
  software: 'boolean',
  fetch: 'function',
  signal: 'signal',
  onProgress: 'function',
};

const ANALYZE_OPTIONS: Readonly<Record<keyof AnalyzeOptions, Kind>> = {
  box: 'any',
  boxes: 'any',
  crop: ['official', 'square'],
  maxFaces: 'any',
  tasks: 'any',
  raw: 'boolean',
  taps: 'boolean',
  heatmaps: 'boolean',
  queue: ['wait', 'latest', 'refuse'],
  repeat: 'boolean',
  signal: 'signal',
};

/** @throws FaceXFormerError BAD_OPTION: it is no side of a network's input */
export function checkSide(side: number | undefined): void {
  if (side === undefined || (Number.isInteger(side) && side % 32 === 0 && side >= 224 && side <= 512)) return;
  throw badOption(`\`side\` is ${shown(side)}; it must be a multiple of 32 from 224 to 512.`);
}

/** Faces whose boxes one call takes: their results are held together. */
const MOST_BOXES = 1000;

/** What `load` was given, as it is now. @throws FaceXFormerError BAD_OPTION */
export function loadOptionsOf(options: LoadOptions): LoadOptions {
  const own = optionsOf<LoadOptions>('load', LOAD_OPTIONS, options);
  if (!own.weights) throw badOption('load() needs `weights`: the address of a file, or a checkpoint.');
  checkSide(own.side);
  if (own.detector !== undefined && typeof own.detector !== 'function') checkedDetector(own.detector);
  return own;
}

/** What was given for a detector, or made as one. @throws FaceXFormerError BAD_OPTION */
export function checkedDetector(detector: FaceDetector): FaceDetector {
  return given('The `detector` must have a function `detect`: give mtcnn(), called, or one of your own.', () => {
    if (typeof detector.detect === 'function') return detector;
    throw new TypeError();
  });
}

/** What `analyze` was given, as it is now. @throws FaceXFormerError BAD_OPTION, BAD_BOX */
export function analyzeOptionsOf(options: AnalyzeOptions): AnalyzeOptions {
  const own = optionsOf<AnalyzeOptions>('analyze', ANALYZE_OPTIONS, options);
  const { box, boxes, maxFaces } = own;
  if (maxFaces !== undefined) mustBeWhole(maxFaces, 'maxFaces', 1);
  if (box !== undefined && boxes !== undefined) throw badOption('Give either `box` or `boxes`, not both.');
  if (box !== undefined && tag(box) === 'Array') throw badOption('`box` is a list; give several as `boxes`.');
  if (box !== undefined && (typeof box !== 'object' || box === null)) mustBe(['whole'], box, 'box');
  if (boxes === undefined) return { ...own, box: typeof box === 'object' ? boxOf(box) : box };
  const list = given('`boxes` cannot be read.', () => (Array.isArray(boxes) ? [...boxes] : undefined));
  if (!list || list.length > MOST_BOXES)
    throw badOption(`\`boxes\` is ${list ? list.length : shown(boxes)}; it must be a list of ${MOST_BOXES} at most.`);
  return { ...own, boxes: list.map(boxOf) };
}

/** What `tune` was given, as it is now. @throws FaceXFormerError BAD_OPTION */
export function tuneOptionsOf(options: TuneOptions): TuneOptions {
  const own = optionsOf<TuneOptions>('tune', { budget: 'count', force: 'boolean', signal: 'signal' }, options);
  if (own.budget === 0) throw badOption('`budget` is 0; it must be a number of milliseconds above 0.');
  return own;
}
