/** The engine of SegFace: face parsing in 19 classes, on the kernels and by the engine of FaceXFormer. */
import { Engine } from '../engine/engine.ts';
import type { Analysis, AnalyzeOptions, EngineInfo, LoadOptions, TuneOptions, TuneReport } from '../engine/options.ts';
import { loadLasting } from '../engine/recovery.ts';
import type { AnalyzedFace } from '../face/faces.ts';
import type { Task } from '../face/labels.ts';
import type { Segmentation } from '../face/results.ts';
import type { Plan } from '../graph/plan.ts';
import type { KernelTime } from '../graph/profile.ts';
import type { PictureSource } from '../image/source.ts';
import { segFaceConfig } from './config.ts';
import type { SegFaceClass } from './labels.ts';

/** What `SegFace.load` takes: as `FaceXFormer.load`, without tasks, of which it has one. */
export type SegFaceLoadOptions = Omit<LoadOptions, 'tasks'>;

/** What `SegFace.analyze` takes: as `FaceXFormer.analyze`, without tasks. */
export type SegFaceAnalyzeOptions = Omit<AnalyzeOptions, 'tasks' | 'heatmaps'>;

/** A face, and what its pixels are. */
export type SegmentedFace = Omit<AnalyzedFace, Task | 'heatmaps'> & {
  /** side x side pixels of the crop, 512 x 512 unless loaded for another side. */
  segmentation: Segmentation<SegFaceClass>;
};

/** What `SegFace.analyze` found in one picture. */
export interface SegFaceAnalysis extends Omit<Analysis, 'faces'> {
  /** One a box in the order of the boxes, or one a detected face in the detector's order: none where it found none. */
  readonly faces: SegmentedFace[];
}

/** SegFace on one GPU, its weights loaded and its kernels compiled. Made by `load`; `analyze` takes pictures until `dispose`. */
export class SegFace {
  /** For `using parser = await SegFace.load(...)`, where the runtime knows it: as `dispose`. */
  declare readonly [Symbol.dispose]: () => void;
  readonly #engine: Engine<'segmentation'>;

  private constructor(engine: Engine<'segmentation'>) {
    this.#engine = engine;
    if (Symbol.dispose) Object.assign(this, { [Symbol.dispose]: this.dispose });
  }

  /** What it runs on, and with which weights. */
  get info(): Omit<EngineInfo, 'form'> {
    return this.#engine.info;
  }

  /** Settles when the GPU is lost. As `FaceXFormer.lost`. */
  get lost(): Engine['lost'] {
    return this.#engine.lost;
  }

  /**
   * Opens the GPU, compiles the kernels while the weights arrive, and uploads the weights tensor by tensor. Which encoder they have is seen from them.
   * @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, GPU_ERROR, DEVICE_LOST, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE,
   * BAD_OPTION, ABORTED
   */
  static async load(options: SegFaceLoadOptions): Promise<SegFace> {
    return new SegFace(new Engine(await loadLasting(options, segFaceConfig)));
  }

  /**
   * Parses the faces of one picture: those in `box` or `boxes`, or those that the detector finds, which may be none. As `FaceXFormer.analyze`.
   * @throws FaceXFormerError BAD_PICTURE, BAD_BOX, BAD_OPTION, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED, ABORTED
   */
  analyze(source: PictureSource, options: SegFaceAnalyzeOptions = {}): Promise<SegFaceAnalysis> {
    return this.#engine.analyze(source, options) as Promise<unknown> as Promise<SegFaceAnalysis>;
  }

  /** Parses many pictures, one answer a picture, in their order. As `FaceXFormer.analyzeMany`. @throws FaceXFormerError as `analyze` */
  analyzeMany(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: SegFaceAnalyzeOptions = {},
  ): AsyncGenerator<SegFaceAnalysis, void, undefined> {
    return this.#engine.analyzeMany(pictures, options) as AsyncGenerator<unknown, void, undefined> as ReturnType<SegFace['analyzeMany']>;
  }

  /** What a frame runs. */
  plan(faces = 1): Plan {
    return this.#engine.plan(undefined, faces);
  }

  /** How long each kernel of a frame takes on the GPU. As `FaceXFormer.profile`. */
  profile(faces = 1): Promise<KernelTime[]> {
    return this.#engine.profile(undefined, faces);
  }

  /** Measures which kernels are the fastest on this GPU, and uses them. As `FaceXFormer.tune`. */
  tune(options: TuneOptions = {}): Promise<TuneReport> {
    return this.#engine.tune(options);
  }

  /** Frees everything on the GPU; calls that wait or come later fail with DISPOSED. May be called again. */
  dispose(): void {
    this.#engine.dispose();
  }
}
