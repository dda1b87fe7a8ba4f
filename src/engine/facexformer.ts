/** The engine: loads weights onto a GPU once, then analyses pictures, in the order of the calls. */

import { type FaceXFormerConfig, heatmapsTap, readConfig } from '../face/config.ts';
import { type AnalyzedFace, facesOf } from '../face/faces.ts';
import type { Task } from '../face/labels.ts';
import { FaceXFormerError, gpuLost, throwIfAborted } from '../gpu/errors.ts';
import { given, mustBeWhole, shown } from '../gpu/given.ts';
import { disposed } from '../gpu/readback.ts';
import type { Plan } from '../graph/plan.ts';
import { type KernelTime, profile } from '../graph/profile.ts';
import type { Results } from '../graph/program.ts';
import { type Box, boxOf, checkBox, wholePicture, widen, widenToSquare } from '../image/crop.ts';
import type { DetectedFace } from '../image/detector.ts';
import { batchesOf } from '../image/preprocess.ts';
import { openPicture, type Picture, type PictureSource } from '../image/source.ts';
import { type Caught, caught, Line, queueOf, type Seat } from './line.ts';
import { type Loaded, loadEngine } from './load.ts';
import {
  type Analysis,
  type AnalyzeOptions,
  analyzeOptionsOf,
  checkedTasks,
  type EngineInfo,
  type LoadOptions,
  type TuneOptions,
  type TuneReport,
  tuneOptionsOf,
} from './options.ts';
import { MOST_IMAGES } from './programs.ts';
import { tune } from './tune.ts';

/** Where a face is in its picture, and who says so. */
interface Place {
  readonly crop: Box;
  readonly origin: Pick<AnalyzedFace, 'source' | 'score' | 'detected' | 'points'>;
}

/** A picture under way, and what has come of it. */
interface Opened {
  readonly picture: Picture;
  readonly places: readonly Place[];
  readonly faces: AnalyzedFace[];
  readonly start: number;
  readonly timings: { decode: number; detect: number; upload: number; encode: number; run: number };
}

/** A call of `analyze`. */
interface Call {
  readonly picture: Caught;
  readonly asked: AnalyzeOptions;
}

/** A face that goes through the network, and its picture. */
interface Item {
  readonly opened: Opened;
  readonly place: Place;
}

/** Faces, of one picture or of several, that the GPU was given together. */
interface Frame {
  readonly items: readonly Item[];
  readonly plan: Plan;
  readonly results: Promise<Results>;
}

/** A network on one GPU, its weights loaded and its kernels compiled. `analyze` takes pictures until `dispose`. Nothing of it leaves the page. */
export class Engine<Loads extends Task = Task> {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Loads[];
  /** What it runs on, and with which weights. */
  readonly info: Omit<EngineInfo, 'form'>;
  /** Does what `dispose` does, for `using engine = await FaceXFormer.load(...)` where the runtime knows it. */
  declare readonly [Symbol.dispose]: () => void;
  readonly #loaded: Loaded;
  /** Ends when the last call's frames are all submitted. */
  #submitting: Promise<unknown> = Promise.resolve();
  /** Ends when the last call is answered. */
  #answering: Promise<unknown> = Promise.resolve();
  /** Calls of `analyze` that are not answered. */
  readonly #line = new Line<Call, Analysis>((seat) => this.#serve(seat));
  #disposed = false;

  constructor(loaded: Loaded) {
    const { gpu, config, tasks, parameters, source } = loaded;
    this.#loaded = loaded;
    this.tasks = tasks as readonly Loads[];
    const { side, backbone } = config;
    this.info = {
      adapter: gpu.adapter,
      dtype: loaded.dtype,
      weights: source,
      weightBytes: parameters.bytes,
      backbone: backbone.name,
      side,
    };
  }

  /**
   * Finds and analyses the faces of one picture: those in `box` or `boxes`, or those that the detector finds, which may be none. Calls are answered in
   * their order; while the GPU works for one, the next is decoded, searched, uploaded and submitted, up to three frames ahead. Options, boxes and what
   * a canvas, an image element or a video shows are taken when it is called. A video's frames do not queue up: see `AnalyzeOptions.queue`.
   * @throws FaceXFormerError BUSY, BAD_PICTURE, BAD_BOX, UNKNOWN_TASK, BAD_OPTION, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED, ABORTED; the engine stays usable after all
   * but DEVICE_LOST and DISPOSED
   */
  async analyze<Asked extends Task = Loads>(source: PictureSource, options: AnalyzeOptions<Asked> = {}): Promise<Analysis<Asked>> {
    const asked = analyzeOptionsOf(options);
    const answer = this.#line.join({ picture: caught(source), asked }, asked.queue ?? queueOf(source));
    return answer as Promise<unknown> as Promise<Analysis<Asked>>;
  }

  /**
   * Analyses many pictures, one answer a picture, in their order. Faces of several pictures go through the network together, which photos of one or two
   * faces need to keep a GPU busy; pictures are asked for as they are needed. Ends at the first that fails, as `analyze` does.
   * @throws FaceXFormerError as `analyze`
   */
  async *analyzeMany<Asked extends Task = Loads>(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: AnalyzeOptions<Asked> = {},
  ): AsyncGenerator<Analysis<Asked>, void, undefined> {
    const asked = analyzeOptionsOf(options);
    mustBeIterable(pictures);
    const most = this.#loaded.programs.mostImages(asked);
    const calls: Opened[] = []; // that are not answered
    const frames: Frame[] = []; // that are not read
    let waiting: Item[] = []; // that are not submitted
    const submit = async (items: readonly Item[]): Promise<void> => {
      waiting = waiting.slice(items.length);
      frames.push(...(await this.#inTurn(() => this.#submit(items, asked))));
      for (const { opened } of items) if (!waiting.some((item) => item.opened === opened)) opened.picture.close();
    };
    /** Reads frames until no more than so many are under way. */
    const read = async (left: number): Promise<void> => {
      while (frames.length > left) await this.#read(frames.shift() as Frame, asked);
    };
    try {
      for await (const source of pictures) {
        const opened = await this.#inTurn(() => this.#open(() => openPicture(source), asked));
        calls.push(opened);
        waiting.push(...itemsOf(opened));
        if (opened.places.length === 0) opened.picture.close();
        while (waiting.length >= most) await submit(waiting.slice(0, most));
        await read(1);
        while (calls[0] && isWhole(calls[0])) yield analysisOf<Asked>(calls.shift() as Opened);
      }
      if (waiting.length > 0) await submit(waiting);
      await read(0);
      while (calls[0]) yield analysisOf<Asked>(calls.shift() as Opened);
    } finally {
      for (const { picture } of calls) picture.close();
    }
  }

  /** The call of a seat, when its turn comes: submitted while those before it run, and answered after them. */
  #serve(seat: Seat<Call>): Promise<Analysis> {
    const before = this.#answering;
    const submitted = this.#inTurn(async () => {
      if (seat.patient) await before;
      const { picture: given, asked } = seat.begin();
      const opened = await this.#open(given.open, asked);
      try {
        return { opened, asked, frames: await this.#submit(itemsOf(opened), asked) };
      } finally {
        opened.picture.close();
        given.close();
      }
    });
    const answered = before
      .then(() => submitted)
      .then(async ({ opened, asked, frames }) => {
        for (const one of frames) await this.#read(one, asked);
        this.#check(asked.signal);
        return analysisOf(opened);
      });
    this.#answering = answered.catch(() => {});
    return answered;
  }

  /** What a frame of these tasks runs, with one to eight faces in it. @throws FaceXFormerError BAD_OPTION, UNKNOWN_TASK */
  plan(tasks?: readonly Task[], faces = 1): Plan {
    mustBeWhole(faces, 'faces', 1, MOST_IMAGES);
    return this.#loaded.programs.plan(this.#chosen(tasks), { faces });
  }

  /**
   * How long each kernel of a frame of these tasks takes on the GPU, with one to eight faces in it. Waits for its turn as `analyze` does, and takes a few frames' time.
   * @throws FaceXFormerError BAD_OPTION if the device was made without the feature `timestamp-query`: see `LoadOptions.device`; and as `analyze`
   */
  async profile(tasks?: readonly Task[], faces = 1): Promise<KernelTime[]> {
    mustBeWhole(faces, 'faces', 1, MOST_IMAGES);
    return this.#inTurn(async () => profile(await this.#loaded.programs.get({ tasks: this.#chosen(tasks) }, faces)));
  }

  /**
   * Measures on this GPU which kernels and machine shapes are the fastest for the loaded tasks, and uses them from the next frame on, here and
   * in later visits. Each must give the numbers of the kernel that it replaces (NMSE 1e-10, or 1e-6 where float16 is stored). Waits for its
   * turn as `analyze` does, and later calls wait for it: for idle time.
   * @throws FaceXFormerError BAD_OPTION, ABORTED, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED; nothing is adopted then
   */
  async tune(options: TuneOptions = {}): Promise<TuneReport> {
    const asked = tuneOptionsOf(options);
    return this.#inTurn(() => tune(this.#loaded, asked));
  }

  /** Frees everything on the GPU; calls that wait or come later fail with DISPOSED. May be called again. */
  dispose(): void {
    this.#disposed = true;
    const { gpu, programs, parameters, preprocess, detector, ownsDetector } = this.#loaded;
    if (ownsDetector) detector?.dispose?.();
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

  /** The picture, and where its faces are. What is wrong with the options is told here, in the call's turn. */
  async #open(open: () => Promise<Picture>, options: AnalyzeOptions): Promise<Opened> {
    this.#check(options.signal);
    const tasks = this.#chosen(options.tasks);
    if (options.heatmaps && !(heatmapsTap(this.#loaded.config) && tasks.includes('landmarks')))
      throw new FaceXFormerError('BAD_OPTION', '`heatmaps` needs the task landmarks and weights of the paper form.');
    const start = performance.now();
    const picture = await open();
    const timings = { decode: performance.now() - start, detect: 0, upload: 0, encode: 0, run: 0 };
    try {
      const begun = performance.now();
      const places = await this.#places(picture, options);
      timings.detect = performance.now() - begun;
      return { picture, places, faces: [], start, timings };
    } catch (error) {
      picture.close();
      throw error;
    }
  }

  async #places(picture: Picture, { box, boxes, crop, maxFaces, signal }: AnalyzeOptions): Promise<Place[]> {
    if (box === 'whole') return [{ crop: checkBox(wholePicture(picture), picture), origin: { source: 'whole' } }];
    const told = boxes ?? (box && [box]);
    if (told) return told.map((one) => ({ crop: checkBox(boxOf(one), picture), origin: { source: 'given' } }));
    const { detector } = this.#loaded;
    if (!detector)
      throw new FaceXFormerError(
        'BAD_OPTION',
        "Where are the faces? Load with a `detector`, such as mtcnn() of facexformer-webgpu/detect, or give a `box`: 'whole' takes the whole picture for one.",
      );
    const found = detected(await detector.detect(picture.still, { signal }));
    this.#check(signal);
    const widened = crop === 'square' ? widenToSquare : widen;
    return found.slice(0, maxFaces).flatMap(({ box: own, score, points }) => {
      const wide = widened(own, picture);
      if (Math.trunc(wide.x1) <= Math.trunc(wide.x0) || Math.trunc(wide.y1) <= Math.trunc(wide.y0)) return []; // beside the picture
      const origin: Place['origin'] = { source: 'detector', score, detected: own, ...(points && { points }) };
      return [{ crop: checkBox(wide, picture), origin }];
    });
  }

  /** The serial part of a call, no longer than until the GPU has its frames. Those after a frame that is known to have failed are not worth submitting. */
  async #submit(items: readonly Item[], options: AnalyzeOptions): Promise<Frame[]> {
    const { programs, preprocess } = this.#loaded;
    const wanted = { ...options, tasks: this.#chosen(options.tasks) };
    const frames: Frame[] = [];
    let begun = 0;
    let failed = false;
    for (const batch of batchesOf(items, programs.mostImages(wanted), ({ place }) => place.crop)) {
      if (failed) break;
      this.#check(options.signal);
      const program = await programs.get(wanted, batch.length);
      this.#check(options.signal);
      const timings = [...new Set(batch.map(({ opened }) => opened.timings))];
      const started = performance.now();
      const { accepted } = await preprocess.upload(
        batch.map(({ opened }) => opened.picture),
        batch.map(({ place }) => place.crop),
      );
      const uploaded = performance.now();
      const { encode, results } = await program.run();
      begun ||= performance.now();
      for (const one of timings) {
        one.upload += uploaded - started;
        one.encode += encode;
      }
      const known = Promise.all([results, accepted]).then(([read]) => {
        for (const one of timings) one.run = performance.now() - begun;
        return read;
      });
      known.catch(() => {
        failed = true; // told when the call is answered
      });
      frames.push({ items: batch, plan: program.plan, results: known });
    }
    return frames;
  }

  /** Gives each picture of a frame its faces. */
  async #read({ items, plan, results }: Frame, options: AnalyzeOptions): Promise<void> {
    const crops = items.map(({ place }) => place.crop);
    const faces = facesOf({ crops, plan }, await this.#unlessGone(results), this.#loaded.config, options);
    for (const [i, { opened, place }] of items.entries()) opened.faces.push({ ...(faces[i] as AnalyzedFace), ...place.origin });
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

// Older browsers have no such symbol, and a class that named it would have a method `undefined`.
if (Symbol.dispose) Object.assign(Engine.prototype, { [Symbol.dispose]: Engine.prototype.dispose });

/**
 * The network on one GPU, its weights loaded and its kernels compiled. Made by `load`; `analyze` takes pictures until `dispose`.
 * Nothing of it leaves the page.
 */
export class FaceXFormer<Loads extends Task = Task> extends Engine<Loads> {
  declare readonly info: EngineInfo;

  private constructor(loaded: Loaded<FaceXFormerConfig>) {
    super(loaded);
    this.info = { ...this.info, form: loaded.config.form };
  }

  /**
   * Opens the GPU, compiles the kernels while the weights arrive, and uploads the weights tensor by tensor.
   * @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, GPU_ERROR, DEVICE_LOST, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE,
   * UNKNOWN_TASK, BAD_OPTION, ABORTED
   */
  static async load<Asked extends Task = Task>(options: LoadOptions<Asked>): Promise<FaceXFormer<Asked>> {
    return new FaceXFormer<Asked>(await loadEngine(options, readConfig));
  }
}

/** @throws FaceXFormerError BAD_OPTION */
const mustBeIterable = (pictures: object): void =>
  given('`pictures` must be a list, or whatever else gives one picture after the other.', () => {
    const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = pictures as AsyncIterable<unknown> & Iterable<unknown>;
    if (typeof (later ?? now) !== 'function') throw new TypeError();
  });

/** What a detector gave, which may be an app's own. @throws FaceXFormerError BAD_OPTION: no list of faces with boxes and scores */
const detected = (found: readonly DetectedFace[]): DetectedFace[] =>
  given('The `detector` must give a list of { box, score }, with boxes in picture pixels and scores from 0 to 1.', () =>
    found.map(({ box, score, points }) => {
      if (!Number.isFinite(score)) throw new TypeError(`a score of ${shown(score)}`);
      return { box: boxOf(box), score, ...(points && { points: [...points] }) };
    }),
  );

const itemsOf = (opened: Opened): Item[] => opened.places.map((place) => ({ opened, place }));

const isWhole = ({ places, faces }: Opened): boolean => faces.length === places.length;

function analysisOf<Asked extends Task>({ picture: { width, height }, faces, timings, start }: Opened): Analysis<Asked> {
  return { faces: faces as Analysis<Asked>['faces'], width, height, timings: { ...timings, total: performance.now() - start } };
}
