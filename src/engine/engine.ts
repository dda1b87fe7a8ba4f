/** The engine: loads weights onto a GPU once, then analyses pictures, in the order of the calls. */

import { heatmapsTap } from '../face/config.ts';
import { type AnalyzedFace, facesOf } from '../face/faces.ts';
import type { Task } from '../face/labels.ts';
import { badOption, either, FaceXFormerError, gpuError, throwIfAborted } from '../gpu/errors.ts';
import { given, mustBeIterable, mustBeWhole, shown } from '../gpu/given.ts';
import { type GpuLoss, isLoss, type Recovery } from '../gpu/recovery.ts';
import { eachUnless, PATIENCE, unless, within } from '../gpu/waiting.ts';
import { firstLost } from '../graph/lost.ts';
import type { Plan } from '../graph/plan.ts';
import { type KernelTime, profile } from '../graph/profile.ts';
import type { Program, Results } from '../graph/program.ts';
import { type Caught, caught } from '../image/caught.ts';
import { type Box, boxOf, checkBox, isEmpty, truncated, wholePicture, widen, widenToSquare } from '../image/crop.ts';
import type { DetectedFace } from '../image/detector.ts';
import { Line, queueOf, type Seat } from '../image/line.ts';
import { batchesOf } from '../image/preprocess.ts';
import { MOST_IMAGES } from '../image/resize.ts';
import type { Picture, PictureSource } from '../image/source.ts';
import type { Loaded } from './load.ts';
import {
  type Analysis,
  type AnalyzeOptions,
  analyzeOptionsOf,
  checkedTasks,
  type EngineInfo,
  type TuneOptions,
  type TuneReport,
  tuneOptionsOf,
} from './options.ts';
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

/** How work gets its turn. */
interface Turn {
  readonly signal?: AbortSignal | undefined;
  readonly after?: Promise<unknown> | undefined;
  readonly repeat?: boolean | (() => boolean | undefined) | undefined;
}

/** A face that goes through the network, and its picture. */
interface Item {
  readonly opened: Opened;
  readonly place: Place;
}

/** Faces, of one picture or of several, that the GPU was given together. */
interface Frame {
  readonly on: Loaded;
  readonly items: readonly Item[];
  readonly program: Program;
  readonly results: Promise<Results>;
}

/** A network on one GPU, its weights loaded and its kernels compiled. `analyze` takes pictures until `dispose`. Nothing of it leaves the page. */
export class Engine<Loads extends Task = Task> {
  /** The tasks that were loaded, in the order of TASKS. */
  readonly tasks: readonly Loads[];
  /** Does what `dispose` does, for `using engine = await FaceXFormer.load(...)` where the runtime knows it. */
  declare readonly [Symbol.dispose]: () => void;
  readonly #recovery: Recovery<Loaded>;
  /** Ends when the last call's frames are all submitted. */
  #submitting: Promise<unknown> = Promise.resolve();
  /** Ends when what has its turn now is done. */
  #working: Promise<unknown> = Promise.resolve();
  /** Ends when the last call is answered. */
  #answering: Promise<unknown> = Promise.resolve();
  /** Calls of `analyze` that are not answered. */
  readonly #line = new Line<Call, Analysis>((seat) => this.#serve(seat));

  /** What the engine runs on is of this package alone. @internal */
  constructor(recovery: Recovery<Loaded>) {
    this.#recovery = recovery;
    this.tasks = recovery.now.tasks as readonly Loads[];
    if (Symbol.dispose) Object.assign(this, { [Symbol.dispose]: this.dispose }); // older browsers have none; said of the class, it would keep that in every app
  }

  /** What it runs on, and with which weights. */
  get info(): Omit<EngineInfo, 'form'> {
    const { gpu, dtype, parameters, source, config, fallback } = this.#recovery.now;
    const { side, backbone } = config;
    return { adapter: gpu.adapter, dtype, weights: source, weightBytes: parameters.bytes, backbone: backbone.name, side, fallback };
  }

  /**
   * Settles when the GPU is lost, whether or not a call is under way; after a recovery it is another promise, for the next loss. Never settles after
   * `dispose`.
   */
  get lost(): Promise<GpuLoss> {
    return this.#recovery.lost;
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
    this.#recovery.mustLive();
    const answer = this.#line.join({ picture: caught(source), asked }, asked.queue ?? queueOf(source));
    return unless(asked.signal, answer as Promise<unknown> as Promise<Analysis<Asked>>);
  }

  /**
   * Analyses many pictures, one answer a picture, in their order. Faces of several pictures go through the network together, which photos of one or two
   * faces need to keep a GPU busy; pictures are asked for as they are needed, and taken as they are when they are given, but for those that
   * must keep their contents until their answer comes: see `PictureSource`. Ends at the first that fails, as `analyze` does.
   * @throws FaceXFormerError as `analyze`
   */
  async *analyzeMany<Asked extends Task = Loads>(
    pictures: Iterable<PictureSource> | AsyncIterable<PictureSource>,
    options: AnalyzeOptions<Asked> = {},
  ): AsyncGenerator<Analysis<Asked>, void, undefined> {
    const asked = analyzeOptionsOf(options);
    mustBeIterable(pictures);
    const most = this.#recovery.now.programs.mostImages(asked);
    const calls: Opened[] = []; // that are not answered
    const frames: Frame[] = []; // that are not read
    let waiting: Item[] = []; // that are not submitted
    const submit = async (items: readonly Item[]): Promise<void> => {
      waiting = waiting.slice(items.length);
      frames.push(...(await this.#inTurn((on) => this.#submit(on, items, asked), asked)));
      if (asked.repeat) return;
      for (const { opened } of items) if (!waiting.some((item) => item.opened === opened)) opened.picture.close();
    };
    /** Reads frames until no more than so many are under way. */
    const read = async (left: number): Promise<void> => {
      while (frames.length > left) await this.#read(frames.shift() as Frame, asked);
    };
    const answer = (opened: Opened): Analysis<Asked> => {
      opened.picture.close();
      return analysisOf<Asked>(opened);
    };
    try {
      for await (const source of eachUnless(either(asked.signal, this.#recovery.gone), pictures)) {
        const held = caught(source);
        held.settle(); // a picture of its own, which goes when it is answered
        const opened = await this.#inTurn((on) => this.#open(on, held, asked), asked).catch((error) => {
          held.close();
          throw error;
        });
        calls.push(opened);
        waiting.push(...itemsOf(opened));
        if (opened.places.length === 0) opened.picture.close();
        while (waiting.length >= most) await submit(waiting.slice(0, most));
        await read(1);
        while (calls[0] && isWhole(calls[0])) yield answer(calls.shift() as Opened);
      }
      if (waiting.length > 0) await submit(waiting);
      await read(0);
      while (calls[0]) yield answer(calls.shift() as Opened);
    } catch (error) {
      this.#recovery.check();
      throw error;
    } finally {
      for (const { picture } of calls) picture.close();
    }
  }

  /** The call of a seat, when its turn comes: submitted while those before it run, and answered after them. */
  #serve(seat: Seat<Call>): Promise<Analysis> {
    const before = this.#answering;
    let call: Call | undefined;
    const work = async (on: Loaded) => {
      call = seat.begin();
      const { asked } = call;
      const opened = await this.#open(on, call.picture, asked);
      return { opened, asked, frames: await this.#submit(on, itemsOf(opened), asked) };
    };
    const submitted = this.#inTurn(work, { after: seat.patient ? before : undefined, repeat: () => call?.asked.repeat });
    submitted.catch(() => {}); // who called is told in the order of the calls
    const answered = before
      .then(() => submitted)
      .then(async ({ opened, asked, frames }) => {
        for (const one of frames) await this.#read(one, asked);
        throwIfAborted(asked.signal);
        return analysisOf(opened);
      });
    const ended = answered.then(
      () => {},
      () => {}, // who called is told
    );
    this.#answering = ended;
    const close = () => call?.picture.close();
    submitted.then(({ asked }) => (asked.repeat ? ended : undefined)).then(close, close);
    return answered;
  }

  /** What a frame of these tasks runs, with one to eight faces in it. @throws FaceXFormerError BAD_OPTION, UNKNOWN_TASK */
  plan(tasks?: readonly Task[], faces = 1): Plan {
    mustBeWhole(faces, 'faces', 1, MOST_IMAGES);
    return this.#recovery.now.programs.plan(this.#chosen(tasks), { faces });
  }

  /**
   * How long each kernel of a frame of these tasks takes on the GPU, with one to eight faces in it. Waits for its turn as `analyze` does, and takes a few frames' time.
   * @throws FaceXFormerError BAD_OPTION if the device was made without the feature `timestamp-query`: see `LoadOptions.device`; and as `analyze`
   */
  async profile(tasks?: readonly Task[], faces = 1): Promise<KernelTime[]> {
    mustBeWhole(faces, 'faces', 1, MOST_IMAGES);
    return this.#inTurn(async ({ programs }) => profile(await programs.get({ tasks: this.#chosen(tasks) }, faces)));
  }

  /**
   * Measures on this GPU which kernels and machine shapes are the fastest for the loaded tasks, and uses them from the next frame on, here and
   * in later visits. Each must give the numbers of the kernel that it replaces (NMSE 1e-10, or 1e-6 where float16 is stored). Waits for its
   * turn as `analyze` does, and later calls wait for it: for idle time.
   * @throws FaceXFormerError BAD_OPTION, ABORTED, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED; nothing is adopted then
   */
  async tune(options: TuneOptions = {}): Promise<TuneReport> {
    const asked = tuneOptionsOf(options);
    return this.#inTurn((on) => tune(on, asked), { signal: asked.signal });
  }

  /**
   * Frees everything on the GPU; calls that wait or come later fail with DISPOSED, but those that a lost GPU left with DEVICE_LOST. May be called again.
   */
  dispose(): void {
    this.#recovery.dispose();
  }

  /**
   * Work that nothing else may be submitted beside; a GPU that was lost is waited for. An abort is heard at once.
   * @param after what must have ended before
   * @param repeat whether the work is done once more when the GPU was lost under it
   */
  async #inTurn<T>(work: (on: Loaded) => Promise<T>, { signal, after, repeat }: Turn = {}): Promise<T> {
    this.#recovery.mustLive();
    const run = this.#submitting.then(() => after).then(() => this.#alone(work, { signal, repeat }));
    this.#submitting = run.catch(() => {});
    return unless(signal, run);
  }

  /** Work whose turn has come, or had come before: it goes before all that waits, some of which waits for its answer. */
  #alone<T>(work: (on: Loaded) => Promise<T>, how: Omit<Turn, 'after'>): Promise<T> {
    const run = this.#working.then(() => this.#recovery.run(work, how));
    this.#working = run.catch(() => {});
    return run;
  }

  /** The picture, and where its faces are. What is wrong with the options is told here, in the call's turn. */
  async #open(on: Loaded, source: Caught, options: AnalyzeOptions): Promise<Opened> {
    this.#recovery.mustGoOn(on, options.signal);
    const tasks = this.#chosen(options.tasks);
    if (options.heatmaps && !(heatmapsTap(on.config) && tasks.includes('landmarks')))
      throw badOption('`heatmaps` needs the task landmarks and weights of the paper form.');
    const start = performance.now();
    const picture = await unless(options.signal, source.open());
    const timings = { decode: performance.now() - start, detect: 0, upload: 0, encode: 0, run: 0 };
    const begun = performance.now();
    const places = await this.#places(on, picture, options);
    timings.detect = performance.now() - begun;
    return { picture, places, faces: [], start, timings };
  }

  async #places(on: Loaded, picture: Picture, { box, boxes, crop, maxFaces, signal }: AnalyzeOptions): Promise<Place[]> {
    if (box === 'whole') return [{ crop: checkBox(wholePicture(picture), picture), origin: { source: 'whole' } }];
    const told = boxes ?? (box && [box]);
    if (told) return told.map((one) => ({ crop: checkBox(boxOf(one), picture), origin: { source: 'given' } }));
    const { detector } = on;
    if (!detector)
      throw badOption(
        "Where are the faces? Load with a `detector`, such as mtcnn() of facexformer-webgpu/detect, or give a `box`: 'whole' takes the whole picture for one.",
      );
    const found = detected(await within(PATIENCE.detector, unless(signal, detector.detect(picture.still, { signal })), lateDetector));
    this.#recovery.mustGoOn(on, signal);
    return found.slice(0, maxFaces).flatMap(({ box: own, score, points }) => {
      const wide = widen(own, picture);
      if (isEmpty(truncated(wide))) return []; // beside the picture, into which a square is moved
      const origin: Place['origin'] = { source: 'detector', score, detected: own, ...(points && { points }) };
      return [{ crop: checkBox(crop === 'square' ? widenToSquare(own, picture) : wide, picture), origin }];
    });
  }

  /** The serial part of a call, no longer than until the GPU has its frames. Those after a frame that is known to have failed are not worth submitting. */
  async #submit(on: Loaded, items: readonly Item[], options: AnalyzeOptions): Promise<Frame[]> {
    const { programs, preprocess } = on;
    const wanted = { ...options, tasks: this.#chosen(options.tasks) };
    const frames: Frame[] = [];
    let begun = 0;
    let failed = false;
    for (const batch of batchesOf(items, programs.mostImages(wanted), ({ place }) => place.crop)) {
      if (failed) break;
      this.#recovery.mustGoOn(on, options.signal);
      const program = await programs.get(wanted, batch.length);
      this.#recovery.mustGoOn(on, options.signal);
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
      frames.push({ on, items: batch, program, results: known });
    }
    return frames;
  }

  /** Gives each picture of a frame its faces. A frame that its GPU took along is submitted once more where that is asked. */
  async #read({ on, items, program, results }: Frame, options: AnalyzeOptions): Promise<void> {
    let read: Results;
    try {
      read = await unless(options.signal, this.#recovery.unlessLost(on, results));
    } catch (error) {
      if (!options.repeat || !isLoss(error) || this.#recovery.gone.aborted) throw error;
      const once = { ...options, repeat: false };
      const { signal } = once;
      const again = this.#alone((another) => this.#submit(another, items, once), { signal });
      for (const frame of await unless(signal, again)) await this.#read(frame, once);
      return;
    }
    this.#recovery.answered();
    const crops = items.map(({ place }) => place.crop);
    const faces = await this.#named(on, program, () => facesOf(crops, program.plan, read, on.config, options));
    for (const [i, { opened, place }] of items.entries()) opened.faces.push({ ...(faces[i] as AnalyzedFace), ...place.origin });
  }

  /** Reads faces; where their numbers are none, the error says which node was the first that lost them. */
  async #named<T>(on: Loaded, program: Program, read: () => T): Promise<T> {
    try {
      return read();
    } catch (error) {
      const { message } = error as FaceXFormerError;
      const where = await this.#recovery.unlessLost(
        on,
        firstLost(program).catch(() => undefined),
      );
      throw gpuError(where ? `${message} The first that are lost are those of ${where}.` : message, {
        cause: error,
      });
    }
  }

  #chosen(tasks: readonly Task[] | undefined): readonly Task[] {
    return checkedTasks(tasks, this.tasks, 'this engine');
  }
}

const lateDetector = () =>
  new FaceXFormerError(
    'GPU_ERROR', // after which a video's session tries once more: a page may have been frozen meanwhile
    `The \`detector\` has not answered for ${PATIENCE.detector / 1000} s. It is too slow, does not end, or awaits the engine that it works for, which answers in order.`,
  );

/** What a detector gave, which may be an app's own. @throws FaceXFormerError BAD_OPTION: no list of faces with boxes, scores and perhaps points */
const detected = (found: readonly DetectedFace[]): DetectedFace[] =>
  given('The `detector` must give a list of { box, score, points? }, in picture pixels, no box inverted, and scores from 0 to 1.', () =>
    found.map(({ box: drawn, score, points }) => {
      const box = boxOf(drawn);
      const [width, height] = [box.x1 - box.x0, box.y1 - box.y0];
      // One of no side is left out as what lies beside the picture; a face within a pixel is none, but where it lies in parts of the picture.
      if (Math.min(width, height) < 0 || (width * height > 0 && Math.max(width, height) < 1))
        throw new TypeError(`a box of ${Object.values(box)}`);
      if (!(score >= 0 && score <= 1)) throw new TypeError(`a score of ${shown(score)}`);
      for (const { x, y } of points ?? []) if (!Number.isFinite(x + y)) throw new TypeError(`a point of ${shown(x)}, ${shown(y)}`);
      return { box, score, ...(points && { points: points.map(({ x, y }) => ({ x, y })) }) };
    }),
  );

const itemsOf = (opened: Opened): Item[] => opened.places.map((place) => ({ opened, place }));

const isWhole = ({ places, faces }: Opened): boolean => faces.length === places.length;

function analysisOf<Asked extends Task>({ picture: { width, height }, faces, timings, start }: Opened): Analysis<Asked> {
  return { faces: faces as Analysis<Asked>['faces'], width, height, timings: { ...timings, total: performance.now() - start } };
}
