/** The engine: loads weights onto a GPU once, then analyses pictures, one call at a time, in the order of the calls. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { either } from '../checkpoint/connection.ts';
import { openCheckpoint, type WeightsSource } from '../checkpoint/open.ts';
import { inFloat32 } from '../checkpoint/values.ts';
import { type AdapterName, type Gpu, openGpu } from '../gpu/device.ts';
import { FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { Graph } from '../graph/graph.ts';
import { Parameters } from '../graph/parameters.ts';
import { makePlan, type Plan } from '../graph/plan.ts';
import type { KernelTime } from '../graph/profile.ts';
import { Program } from '../graph/program.ts';
import { type Box, checkBox, wholePicture } from '../image/crop.ts';
import { Preprocess } from '../image/preprocess.ts';
import { openPicture, type Picture, type PictureSource } from '../image/source.ts';
import { gpuKernels, type KernelSet } from '../kernels/set.ts';
import { type Config, readConfig, tasksOf } from './config.ts';
import { TASKS, type Task } from './labels.ts';
import { network } from './network.ts';
import { type RawTensor, rawTensors } from './raw.ts';
import { type Face, faceOf, type RawOutputs } from './results.ts';

export interface Progress {
  readonly phase: 'device' | 'pipelines' | 'weights' | 'ready';
  /** Bytes of weights read, and in all, in phase `weights`; else 0 or 1 of 1. */
  readonly loaded: number;
  readonly total: number;
}

export interface LoadOptions {
  /**
   * A safetensors file (address, Blob, bytes, stream, response), hosted weights (the address of their folder, ending in `/`), or an open
   * checkpoint such as `seededCheckpoint()`; in float32, float16, bfloat16, float64, or int8 with scales.
   */
  weights: WeightsSource | Checkpoint;
  /** Tasks to load for; default all that the weights know. What none of them needs is neither uploaded nor run. */
  tasks?: readonly Task[];
  /** A device of the application's own, to share; it is not destroyed by `dispose()`. */
  device?: GPUDevice;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface AnalyzeOptions {
  /** The face's box in picture pixels, used as it is: already widened. Default: the whole picture. */
  box?: Box;
  /** Several faces of one picture; instead of `box`. */
  boxes?: readonly Box[];
  /** Tasks of this call; default all that were loaded. */
  tasks?: readonly Task[];
  /** Adds each face's raw network outputs as `raw`. */
  raw?: boolean;
  /** Adds every intermediate of these tasks that PyTorch can be asked for to `raw`, as `tap.*`. For tests: about 25 MB a face. */
  taps?: boolean;
  /** Adds the landmarks' heat maps, [1, 68, 56, 56], as `heatmaps`. Only weights of the paper's form make them. */
  heatmaps?: boolean;
  signal?: AbortSignal;
}

/** One face, and its raw tensors and heat maps where asked for. */
export type AnalyzedFace = Face & { raw?: Record<string, RawTensor>; heatmaps?: RawTensor };

export interface Analysis {
  /** One a box, in the order of the boxes. */
  readonly faces: AnalyzedFace[];
  /** Size of the picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** Milliseconds: decoding the picture; then, over all faces, copying crops to the GPU, running the network, reading results. */
  readonly timings: { readonly decode: number; readonly upload: number; readonly run: number; readonly total: number };
}

export interface EngineInfo {
  readonly adapter: AdapterName;
  readonly weights: string;
  readonly form: Config['form'];
  /** Bytes of weights on the GPU. */
  readonly weightBytes: number;
}

/** Programs kept for recent choices of tasks. */
const KEPT_PROGRAMS = 4;

export class FaceXFormer {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Task[];
  readonly info: EngineInfo;
  readonly #gpu: Gpu;
  readonly #graph: Graph;
  readonly #config: Config;
  readonly #pipelines: Pipelines;
  readonly #parameters: Parameters;
  readonly #preprocess: Preprocess;
  readonly #programs = new Map<string, Program>();
  #queue: Promise<unknown> = Promise.resolve();
  #gone: FaceXFormerError | undefined;

  private constructor(made: Loaded) {
    this.#gpu = made.gpu;
    this.#graph = made.graph;
    this.#config = made.config;
    this.#pipelines = made.pipelines;
    this.#parameters = made.parameters;
    this.#preprocess = made.preprocess;
    this.tasks = made.tasks;
    this.info = { adapter: made.gpu.adapter, weights: made.source, form: made.config.form, weightBytes: made.parameters.bytes };
    void made.gpu.device.lost.then(({ message }) => {
      this.#gone ??= new FaceXFormerError('DEVICE_LOST', `The GPU was lost (${message}). Load the engine again.`);
    });
  }

  /**
   * Opens the GPU, compiles the kernels while the weights arrive, and uploads the weights tensor by tensor.
   * @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE, UNKNOWN_TASK, BAD_OPTION, ABORTED
   */
  static async load(options: LoadOptions): Promise<FaceXFormer> {
    const { weights, signal, onProgress = () => {} } = options;
    if (!weights) throw new FaceXFormerError('BAD_OPTION', 'load() needs `weights`: the address of a safetensors file, or a checkpoint.');
    throwIfAborted(signal);
    onProgress({ phase: 'device', loaded: 0, total: 1 });
    const gpu = await openGpu(options.device, signal);
    const parameters = new Parameters(gpu.device);
    const preprocess = new Preprocess(gpu.device);
    const stop = new AbortController(); // ends a download under way when something else fails
    try {
      const checkpoint = inFloat32(isCheckpoint(weights) ? weights : await openCheckpoint(weights, { signal: either(signal, stop) }));
      const config = readConfig(checkpoint.tensors);
      const tasks = checkedTasks(options.tasks, tasksOf(config), 'these weights');
      const graph = network(config, await kernelsFor(gpu));
      const plan = makePlan(graph, outputsOf(tasks, true));
      onProgress({ phase: 'pipelines', loaded: 0, total: 1 });
      const pipelines = new Pipelines(gpu.device);
      const compiled = Promise.all(plan.dispatches.map(({ kernel, launch }) => pipelines.get(kernel, launch)));
      compiled.catch(() => {}); // awaited below; until then a failure of the weights goes first
      await parameters.load(plan.parameters, checkpoint, {
        signal,
        onProgress: (loaded, total) => onProgress({ phase: 'weights', loaded, total }),
      });
      await compiled;
      const engine = new FaceXFormer({ gpu, graph, config, pipelines, parameters, preprocess, tasks, source: checkpoint.source });
      await engine.#program(tasks, {});
      onProgress({ phase: 'ready', loaded: 1, total: 1 });
      return engine;
    } catch (error) {
      stop.abort();
      parameters.destroy();
      preprocess.destroy();
      if (gpu.own) gpu.device.destroy();
      throw error;
    }
  }

  /**
   * Analyses the faces in one picture. Calls wait for each other.
   * @throws FaceXFormerError BAD_PICTURE, BAD_BOX, UNKNOWN_TASK, BAD_OPTION, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED, ABORTED; the engine stays usable after all
   * but DEVICE_LOST and DISPOSED
   */
  analyze(source: PictureSource, options: AnalyzeOptions = {}): Promise<Analysis> {
    const run = this.#queue.then(() => this.#analyze(source, options));
    this.#queue = run.catch(() => {});
    return run;
  }

  /** What a frame of these tasks runs. */
  plan(tasks?: readonly Task[]): Plan {
    return makePlan(this.#graph, outputsOf(checkedTasks(tasks, this.tasks, 'this engine'), false));
  }

  /**
   * How long each kernel of a frame of these tasks takes on the GPU. Waits for its turn as `analyze` does, and takes a few frames' time.
   * @throws FaceXFormerError BAD_OPTION if the device was made without the feature `timestamp-query`: see `LoadOptions.device`; and as `analyze`
   */
  profile(tasks?: readonly Task[]): Promise<KernelTime[]> {
    const run = this.#queue.then(async () => {
      this.#check(undefined);
      const { profile } = await import('../graph/profile.ts');
      return profile(await this.#program(checkedTasks(tasks, this.tasks, 'this engine'), {}));
    });
    this.#queue = run.catch(() => {});
    return run;
  }

  /** Frees everything on the GPU; calls that wait or come later fail with DISPOSED. May be called again. */
  dispose(): void {
    this.#gone = new FaceXFormerError('DISPOSED', 'The engine was disposed. Load a new one.');
    for (const program of this.#programs.values()) program.destroy();
    this.#programs.clear();
    this.#parameters.destroy();
    this.#preprocess.destroy();
    if (this.#gpu.own) this.#gpu.device.destroy();
  }

  async #analyze(source: PictureSource, options: AnalyzeOptions): Promise<Analysis> {
    const { signal } = options;
    this.#check(signal);
    if (options.box && options.boxes) throw new FaceXFormerError('BAD_OPTION', 'Give either `box` or `boxes`, not both.');
    const tasks = checkedTasks(options.tasks, this.tasks, 'this engine');
    if (options.heatmaps && !(this.#config.hourglass && tasks.includes('landmarks')))
      throw new FaceXFormerError('BAD_OPTION', '`heatmaps` needs the task landmarks and weights of the paper form.');
    const start = performance.now();
    const picture = await openPicture(source);
    try {
      const boxes = options.boxes ?? (options.box ? [options.box] : [wholePicture(picture)]);
      const crops = boxes.map((box) => checkBox(box, picture));
      const program = await this.#program(tasks, options);
      const timings = { decode: performance.now() - start, upload: 0, run: 0, total: 0 };
      const faces: AnalyzedFace[] = [];
      for (const crop of crops) {
        this.#check(signal);
        faces.push(await this.#face(program, picture, crop, options, timings));
      }
      this.#check(signal);
      timings.total = performance.now() - start;
      return { faces, width: picture.width, height: picture.height, timings };
    } finally {
      picture.close();
    }
  }

  async #face(
    program: Program,
    picture: Picture,
    crop: Box,
    { raw, taps, heatmaps }: AnalyzeOptions,
    timings: { upload: number; run: number },
  ): Promise<AnalyzedFace> {
    const start = performance.now();
    await this.#preprocess.upload(picture, crop);
    const uploaded = performance.now();
    const results = await this.#run(program);
    timings.upload += uploaded - start;
    timings.run += performance.now() - uploaded;
    const outputs: RawOutputs = {};
    for (const task of this.tasks) {
      const values = results.get(task);
      if (values) outputs[task] = new Float32Array(values);
    }
    const mask = results.get('mask');
    const face: AnalyzedFace = faceOf(outputs, { crop, form: this.#config.form, mask: mask && new Uint8Array(mask) });
    const tensors = raw || taps || heatmaps ? rawTensors(program.plan, results) : {};
    if (raw || taps) face.raw = tensors;
    const maps = heatmaps && tensors[`tap.${heatmapsOf(this.#config)}`];
    if (maps) face.heatmaps = maps;
    return face;
  }

  /** One frame: whatever the GPU refuses or loses rejects here, and never comes out as numbers. */
  async #run(program: Program): Promise<Map<string, ArrayBuffer>> {
    const { device } = this.#gpu;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder({ label: 'frame' });
    program.encode(encoder);
    device.queue.submit([encoder.finish()]);
    const errors = Promise.all([device.popErrorScope(), device.popErrorScope()]);
    const reading = program.read();
    reading.catch(() => {}); // the reason is sought below first
    try {
      const refused = (await errors).find((error) => error !== null);
      if (refused) throw new FaceXFormerError('GPU_ERROR', `The GPU refused the frame: ${refused.message}`);
      const results = await reading;
      this.#check(undefined);
      return results;
    } catch (error) {
      await Promise.resolve(); // a loss that caused this is known by then
      if (this.#gone) throw this.#gone;
      if (error instanceof FaceXFormerError) throw error;
      const { name, message } = error as Error;
      // What a map says when its device goes: AbortError, or OperationError in older browsers.
      if (name === 'AbortError' || name === 'OperationError')
        throw new FaceXFormerError('DEVICE_LOST', 'The GPU was lost while it worked. Load the engine again.', { cause: error });
      throw new FaceXFormerError('GPU_ERROR', `The frame could not be run: ${message}`, { cause: error });
    }
  }

  async #program(tasks: readonly Task[], options: AnalyzeOptions): Promise<Program> {
    const { raw = false, taps = false, heatmaps = false } = options;
    const key = `${tasks} ${raw || taps} ${taps} ${heatmaps}`;
    const known = this.#programs.get(key);
    this.#programs.delete(key); // the last used goes last
    const program = known ?? (await Program.create(this.#pipelines, this.#planFor(tasks, options), this.#parameters, this.#preprocess));
    this.#programs.set(key, program);
    for (const [oldest, old] of this.#programs) {
      if (this.#programs.size <= KEPT_PROGRAMS) break;
      old.destroy();
      this.#programs.delete(oldest);
    }
    return program;
  }

  #planFor(tasks: readonly Task[], { raw = false, taps = false, heatmaps = false }: AnalyzeOptions): Plan {
    const outputs = outputsOf(tasks, raw || taps);
    const kept = new Set(raw || taps ? ['resized', 'pixels'] : []);
    if (heatmaps) kept.add(heatmapsOf(this.#config));
    if (taps) {
      const run = new Set(makePlan(this.#graph, outputs).dispatches.map(({ node }) => node));
      for (const [name, { tensor }] of this.#graph.taps) if (run.has(tensor.node.name)) kept.add(name);
    }
    return makePlan(this.#graph, outputs, [...kept]);
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#gone) throw this.#gone;
    throwIfAborted(signal);
  }
}

interface Loaded {
  gpu: Gpu;
  graph: Graph;
  config: Config;
  pipelines: Pipelines;
  parameters: Parameters;
  preprocess: Preprocess;
  tasks: readonly Task[];
  source: string;
}

/** Which form of the kernels suits the adapter. */
async function kernelsFor({ adapter, subgroupsOfFour }: Gpu): Promise<KernelSet> {
  if (adapter.architecture !== 'swiftshader') return gpuKernels;
  const { cpuKernels } = await import('../kernels/cpu.ts');
  return cpuKernels(subgroupsOfFour);
}

const isCheckpoint = (weights: LoadOptions['weights']): weights is Checkpoint =>
  typeof weights === 'object' && 'tensors' in weights && 'read' in weights;

/** Tap of the heat maps from which the landmarks are read: the last stack's. */
const heatmapsOf = ({ hourglass }: Config): string => `landmarks.stack${(hourglass?.stacks ?? 0) - 1}.heatmaps`;

/** The graph's outputs for the tasks: of the parsing map only its argmax, unless raw outputs are wanted. */
function outputsOf(tasks: readonly Task[], raw: boolean): string[] {
  return tasks.flatMap((task) => (task !== 'segmentation' ? [task] : raw ? ['segmentation', 'mask'] : ['mask']));
}

function checkedTasks(asked: readonly Task[] | undefined, known: readonly Task[], who: string): readonly Task[] {
  if (asked === undefined) return known;
  if (asked.length === 0) throw new FaceXFormerError('BAD_OPTION', `\`tasks\` is empty. Name at least one of ${known.join(', ')}.`);
  for (const task of asked)
    if (!known.includes(task)) {
      const what = TASKS.includes(task) ? `${who} cannot do ${task}` : `there is no task ${JSON.stringify(task)}`;
      throw new FaceXFormerError('UNKNOWN_TASK', `${what[0]?.toUpperCase()}${what.slice(1)}. Choose from ${known.join(', ')}.`);
    }
  return known.filter((task) => asked.includes(task));
}
