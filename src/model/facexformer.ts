/** The engine: loads weights onto a GPU once, then analyses pictures, one call at a time, in the order of the calls. */
import { FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import type { Plan } from '../graph/plan.ts';
import type { Program } from '../graph/program.ts';
import { type Box, checkBox, wholePicture } from '../image/crop.ts';
import { openPicture, type Picture, type PictureSource } from '../image/source.ts';
import type { Task } from './labels.ts';
import { type Loaded, loadEngine } from './load.ts';
import { type Analysis, type AnalyzedFace, type AnalyzeOptions, checkedTasks, type EngineInfo, type LoadOptions } from './options.ts';
import { heatmapsOf } from './programs.ts';
import { rawTensors } from './raw.ts';
import { faceOf, type RawOutputs } from './results.ts';

export class FaceXFormer {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Task[];
  readonly info: EngineInfo;
  readonly #loaded: Loaded;
  #queue: Promise<unknown> = Promise.resolve();
  #gone: FaceXFormerError | undefined;

  private constructor(loaded: Loaded) {
    const { gpu, config, tasks, parameters, source } = loaded;
    this.#loaded = loaded;
    this.tasks = tasks;
    this.info = { adapter: gpu.adapter, weights: source, form: config.form, weightBytes: parameters.bytes };
    void gpu.device.lost.then(({ message }) => {
      this.#gone ??= new FaceXFormerError('DEVICE_LOST', `The GPU was lost (${message}). Load the engine again.`);
    });
  }

  /**
   * Opens the GPU, compiles the kernels while the weights arrive, and uploads the weights tensor by tensor.
   * @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE, UNKNOWN_TASK, BAD_OPTION, ABORTED
   */
  static async load(options: LoadOptions): Promise<FaceXFormer> {
    return new FaceXFormer(await loadEngine(options));
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
    return this.#loaded.programs.plan(checkedTasks(tasks, this.tasks, 'this engine'));
  }

  /** Frees everything on the GPU; calls that wait or come later fail with DISPOSED. May be called again. */
  dispose(): void {
    this.#gone = new FaceXFormerError('DISPOSED', 'The engine was disposed. Load a new one.');
    const { gpu, programs, parameters, preprocess } = this.#loaded;
    programs.destroy();
    parameters.destroy();
    preprocess.destroy();
    if (gpu.own) gpu.device.destroy();
  }

  async #analyze(source: PictureSource, options: AnalyzeOptions): Promise<Analysis> {
    const { signal } = options;
    this.#check(signal);
    if (options.box && options.boxes) throw new FaceXFormerError('BAD_OPTION', 'Give either `box` or `boxes`, not both.');
    const tasks = checkedTasks(options.tasks, this.tasks, 'this engine');
    if (options.heatmaps && !(this.#loaded.config.hourglass && tasks.includes('landmarks')))
      throw new FaceXFormerError('BAD_OPTION', '`heatmaps` needs the task landmarks and weights of the paper form.');
    const start = performance.now();
    const picture = await openPicture(source);
    try {
      const boxes = options.boxes ?? (options.box ? [options.box] : [wholePicture(picture)]);
      const crops = boxes.map((box) => checkBox(box, picture));
      const program = await this.#loaded.programs.get({ ...options, tasks });
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
    await this.#loaded.preprocess.upload(picture, crop);
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
    const face: AnalyzedFace = faceOf(outputs, { crop, form: this.#loaded.config.form, mask: mask && new Uint8Array(mask) });
    const tensors = raw || taps || heatmaps ? rawTensors(program.plan, results) : {};
    if (raw || taps) face.raw = tensors;
    const maps = heatmaps && tensors[`tap.${heatmapsOf(this.#loaded.config)}`];
    if (maps) face.heatmaps = maps;
    return face;
  }

  /** One frame: whatever the GPU refuses or loses rejects here, and never comes out as numbers. */
  async #run(program: Program): Promise<Map<string, ArrayBuffer>> {
    const { device } = this.#loaded.gpu;
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

  #check(signal: AbortSignal | undefined): void {
    if (this.#gone) throw this.#gone;
    throwIfAborted(signal);
  }
}
