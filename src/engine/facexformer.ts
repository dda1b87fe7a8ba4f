/** The engine: loads weights onto a GPU once, then analyses pictures, in the order of the calls. */

import { heatmapsTap } from '../face/config.ts';
import { type AnalyzedFace, type Batch, facesOf } from '../face/faces.ts';
import type { Task } from '../face/labels.ts';
import { FaceXFormerError, gpuLost, throwIfAborted } from '../gpu/errors.ts';
import { disposed } from '../gpu/readback.ts';
import type { Plan } from '../graph/plan.ts';
import { type KernelTime, profile } from '../graph/profile.ts';
import type { Results } from '../graph/program.ts';
import { type Box, checkBox, wholePicture } from '../image/crop.ts';
import { batchesOf } from '../image/preprocess.ts';
import { frameOf, openPicture, type Picture, type PictureSource } from '../image/source.ts';
import { type Loaded, loadEngine } from './load.ts';
import {
  type Analysis,
  type AnalyzeOptions,
  checkedTasks,
  type EngineInfo,
  type LoadOptions,
  type TuneOptions,
  type TuneReport,
} from './options.ts';
import type { Wanted } from './programs.ts';
import { tune } from './tune.ts';

/** A call whose frames the GPU has; `results` are one a batch. */
interface Submitted {
  readonly picture: { readonly width: number; readonly height: number };
  readonly frames: { readonly batch: Batch; readonly results: Promise<Results> }[];
  readonly start: number;
  readonly timings: { decode: number; upload: number; encode: number; run: number };
}

/**
 * The network on one GPU, its weights loaded and its kernels compiled. Made by `load`; `analyze` takes pictures until `dispose`.
 * Nothing of it leaves the page.
 */
export class FaceXFormer {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Task[];
  /** What it runs on, and with which weights. */
  readonly info: EngineInfo;
  readonly #loaded: Loaded;
  /** Ends when the last call's frames are all submitted. */
  #submitting: Promise<unknown> = Promise.resolve();
  /** Ends when the last call is answered. */
  #answering: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(loaded: Loaded) {
    const { gpu, config, tasks, parameters, source } = loaded;
    this.#loaded = loaded;
    this.tasks = tasks;
    this.info = { adapter: gpu.adapter, dtype: loaded.dtype, weights: source, form: config.form, weightBytes: parameters.bytes };
  }

  /**
   * Opens the GPU, compiles the kernels while the weights arrive, and uploads the weights tensor by tensor.
   * @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, GPU_ERROR, DEVICE_LOST, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE,
   * UNKNOWN_TASK, BAD_OPTION, ABORTED
   */
  static async load(options: LoadOptions): Promise<FaceXFormer> {
    return new FaceXFormer(await loadEngine({ ...options }));
  }

  /**
   * Analyses the faces in one picture. Calls are answered in their order; while the GPU works for one, the next is decoded, uploaded and
   * submitted, up to three frames ahead. Options, boxes and what a video shows are taken when it is called.
   * @throws FaceXFormerError BAD_PICTURE, BAD_BOX, UNKNOWN_TASK, BAD_OPTION, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED, ABORTED; the engine stays usable after all
   * but DEVICE_LOST and DISPOSED
   */
  analyze(source: PictureSource, options: AnalyzeOptions = {}): Promise<Analysis> {
    const { box, boxes = box, ...others } = { ...options };
    const asked = { ...others, boxes: boxes && [boxes].flat().map((one) => ({ ...one })) }; // the caller's may be others at the call's turn
    const frame = frameOf(source);
    const submitted = this.#inTurn(() => {
      if (box && boxes !== box) throw new FaceXFormerError('BAD_OPTION', 'Give either `box` or `boxes`, not both.');
      return this.#submit(frame ?? source, asked);
    });
    void this.#submitting.then(() => frame?.close());
    const answered = this.#answering.then(() => submitted).then((call) => this.#answer(call, asked));
    this.#answering = answered.catch(() => {});
    return answered;
  }

  /** What a frame of these tasks runs. */
  plan(tasks?: readonly Task[], faces = 1): Plan {
    return this.#loaded.programs.plan(this.#chosen(tasks), { faces });
  }

  /**
   * How long each kernel of a frame of these tasks takes on the GPU, with one to eight faces in it. Waits for its turn as `analyze` does, and takes a few frames' time.
   * @throws FaceXFormerError BAD_OPTION if the device was made without the feature `timestamp-query`: see `LoadOptions.device`; and as `analyze`
   */
  profile(tasks?: readonly Task[], faces = 1): Promise<KernelTime[]> {
    return this.#inTurn(async () => profile(await this.#loaded.programs.get({ tasks: this.#chosen(tasks) }, faces)));
  }

  /**
   * Measures on this GPU which kernels and machine shapes are the fastest for the loaded tasks, and uses them from the next frame on, here and
   * in later visits. Each must give the numbers of the kernel that it replaces (NMSE 1e-10, or 1e-6 where float16 is stored). Waits for its
   * turn as `analyze` does, and later calls wait for it: for idle time.
   * @throws FaceXFormerError BAD_OPTION, ABORTED, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED; nothing is adopted then
   */
  tune(options: TuneOptions = {}): Promise<TuneReport> {
    return this.#inTurn(() => tune(this.#loaded, options));
  }

  /** Frees everything on the GPU; calls that wait or come later fail with DISPOSED. May be called again. */
  dispose(): void {
    this.#disposed = true;
    const { gpu, programs, parameters, preprocess } = this.#loaded;
    programs.destroy();
    parameters.destroy();
    preprocess.destroy();
    if (gpu.own) gpu.device.destroy();
  }

  /** Work that nothing else may be submitted beside. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#submitting.then(() => {
      this.#check();
      return this.#unlessGone(work());
    });
    this.#submitting = run.catch(() => {});
    return run;
  }

  /** The serial part of a call: one at a time, and no longer than until the GPU has its frames. */
  async #submit(source: PictureSource, options: AnalyzeOptions): Promise<Submitted> {
    this.#check(options.signal);
    const tasks = this.#chosen(options.tasks);
    if (options.heatmaps && !(heatmapsTap(this.#loaded.config) && tasks.includes('landmarks')))
      throw new FaceXFormerError('BAD_OPTION', '`heatmaps` needs the task landmarks and weights of the paper form.');
    const start = performance.now();
    const picture = await openPicture(source);
    const timings = { decode: performance.now() - start, upload: 0, encode: 0, run: 0 };
    try {
      const crops = (options.boxes ?? [wholePicture(picture)]).map((box) => checkBox(box, picture));
      const call: Submitted = { picture, frames: [], start, timings };
      await this.#submitFrames(call, picture, crops, { ...options, tasks });
      return call;
    } finally {
      picture.close();
    }
  }

  /** One frame a batch. Those after a frame that is known to have failed are not worth submitting. */
  async #submitFrames(call: Submitted, picture: Picture, crops: readonly Box[], options: Wanted & AnalyzeOptions): Promise<void> {
    const { programs, preprocess } = this.#loaded;
    const { frames, timings } = call;
    let begun = 0;
    let failed = false;
    for (const batch of batchesOf(crops, programs.mostImages(options))) {
      if (failed) return;
      this.#check(options.signal);
      const program = await programs.get(options, batch.length);
      this.#check(options.signal);
      const started = performance.now();
      const { accepted } = await preprocess.upload(picture, batch);
      timings.upload += performance.now() - started;
      const { encode, results } = await program.run();
      timings.encode += encode;
      begun ||= performance.now();
      const known = Promise.all([results, accepted]).then(([read]) => {
        timings.run = performance.now() - begun;
        return read;
      });
      known.catch(() => {
        failed = true; // told when the call is answered
      });
      frames.push({ batch: { crops: batch, plan: program.plan }, results: known });
    }
  }

  async #answer({ picture, frames, start, timings }: Submitted, options: AnalyzeOptions): Promise<Analysis> {
    const faces: AnalyzedFace[] = [];
    for (const { batch, results } of frames) faces.push(...facesOf(batch, await this.#unlessGone(results), this.#loaded.config, options));
    this.#check(options.signal);
    const { width, height } = picture;
    return { faces, width, height, timings: { ...timings, total: performance.now() - start } };
  }

  /** What the GPU gives while it is there: whatever it loses rejects here, and never comes out as numbers. */
  async #unlessGone<T>(given: Promise<T>): Promise<T> {
    try {
      const value = await given;
      this.#check();
      return value;
    } catch (error) {
      await Promise.resolve(); // a loss that caused this is known by then
      this.#check();
      throw error;
    }
  }

  #chosen(tasks: readonly Task[] | undefined): readonly Task[] {
    return checkedTasks(tasks, this.tasks, 'this engine');
  }

  #check(signal?: AbortSignal): void {
    const { lost } = this.#loaded.gpu;
    if (this.#disposed) throw disposed();
    if (lost.aborted) throw gpuLost(lost.reason);
    throwIfAborted(signal);
  }
}
