/** Faces followed through a video: which frames are looked at, and how closely, with ids that last and results that do not tremble. */
import { type Analysis, type AnalyzeOptions, checkedTasks } from '../engine/options.ts';
import type { Task } from '../face/labels.ts';
import { mirror } from '../face/mirror.ts';
import type { Face } from '../face/results.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import { given, type Kind, mustBe, mustBeFunction, mustBeWhole, optionsOf, tag } from '../gpu/given.ts';
import { Bell, pause, unless } from '../gpu/waiting.ts';
import { type Box, type Size, widen, widenToSquare } from '../image/crop.ts';
import type { PictureSource } from '../image/source.ts';
import { Anchor } from './anchor.ts';
import { type Frame, type FrameChoice, type Frames, openFrames, type VideoSource } from './frames.ts';
import { Glide } from './glide.ts';
import { FaceSmoother } from './smooth.ts';
import { shifted, type TrackedFace } from './tracked-face.ts';
import { type Track, Tracker, type TrackerOptions } from './tracker.ts';

/** What a session asks of an engine, which was loaded with a detector: `FaceXFormer`, or `RemoteFaceXFormer` in its worker. */
export interface VideoEngine {
  readonly tasks: readonly Task[];
  analyze(picture: PictureSource, options?: AnalyzeOptions): Promise<Analysis>;
}

/** What `followFaces` takes. */
export interface FollowOptions extends TrackerOptions {
  /** Tasks of the session; all that the engine has loaded unless given. `landmarks` is what lets a crop follow its face between two looks of the detector. */
  tasks?: readonly Task[] | undefined;
  /** Milliseconds after which the detector looks for faces anew; 1000 unless given. It looks sooner where there are none, or where one was lost. */
  lookEvery?: number | undefined;
  /**
   * Milliseconds after which labels (age, attributes and all else that does not move) are asked for anew; 0, with every frame, unless given: they share the
   * encoder with what moves, and cost nothing that could be measured.
   */
  labelsEvery?: number | undefined;
  /** As `AnalyzeOptions`. */
  crop?: AnalyzeOptions['crop'] | undefined;
  maxFaces?: number | undefined;
  /** Whether points, poses and probabilities are smoothed along a track; true unless given. */
  smooth?: boolean | undefined;
  /** Faces as they are in the mirror image, for a video that is shown mirrored; false unless given. */
  mirror?: boolean | undefined;
  /** Which frames of a stream or an iterable: unless given, the newest of a stream, and every one of an iterable. */
  frames?: FrameChoice | undefined;
  /** Whether nothing is analysed while the page is hidden; true unless given. */
  pauseHidden?: boolean | undefined;
  /** Ends the session as `stop` does. */
  signal?: AbortSignal | undefined;
  /** Hears of every result. What it throws ends the session. */
  onResult?: ((result: VideoResult) => void) | undefined;
  /** Hears of what went wrong with a frame, after which the session goes on. */
  onFault?: ((error: FaceXFormerError) => void) | undefined;
}

const FOLLOW_OPTIONS: Readonly<Record<keyof FollowOptions, Kind>> = {
  tasks: 'any',
  lookEvery: 'count',
  labelsEvery: 'count',
  crop: ['official', 'square'],
  maxFaces: 'any',
  smooth: 'boolean',
  mirror: 'boolean',
  frames: ['newest', 'every'],
  pauseHidden: 'boolean',
  signal: 'signal',
  onResult: 'function',
  onFault: 'function',
  memory: 'any',
  recall: 'any',
  alike: 'any',
};

/** What was found in a frame. */
export interface VideoResult extends Size {
  readonly faces: readonly TrackedFace[];
  /** Of the frame, in the video's own time, milliseconds. */
  readonly timestamp: number;
  /** Milliseconds from when the frame was taken or shown to its result. */
  readonly age: number;
  /** Whether the detector looked for faces in this frame, and whether labels were asked for. */
  readonly looked: boolean;
  readonly labelled: boolean;
  /** Milliseconds, of `Analysis`; none where nothing had to be analysed. */
  readonly timings: Analysis['timings'] | undefined;
  /** Results a second, over the last second or two; where they come more slowly, since the one before. */
  readonly fps: number;
}

/** How a session ended: it was stopped, its video ended, or it failed. */
export interface VideoEnd {
  readonly reason: 'stopped' | 'ended' | 'failed';
  readonly error?: unknown;
}

/** Tasks whose results move with the face; the others are labels. */
const MOVING: readonly Task[] = ['landmarks', 'headpose', 'segmentation'];
/** The detector looks again after so many milliseconds where there is no face, or one was lost or cannot be followed by its landmarks. */
const SOON = 200;
/** A jump of the video's time by so many milliseconds is a seek, where the frame before did not take as long. */
const CUT = 2000;
/** How fast a video plays at most, beside the clock. */
const FASTEST_PLAY = 2;
/** How long a session goes on while every frame fails, and how long it waits before it tries again, in milliseconds. */
const PATIENCE = 30_000;
const FIRST_WAIT = 50;
const LONGEST_WAIT = 2000;
/** Faults that do not pass. */
const FATAL = ['DISPOSED', 'WORKER_FAILED', 'BAD_OPTION', 'UNKNOWN_TASK', 'WEBGPU_UNAVAILABLE', 'NO_ADAPTER'];

/** What is kept of a face that is followed. */
interface Kept {
  readonly smoother: FaceSmoother;
  readonly anchor: Anchor;
  /** The last result, with the labels of those before. */
  face: Face;
  /** When it was analysed, and when its labels were, in the video's time. */
  analysed: number;
  labelled: number;
  /** Looks in a row that did not find it. */
  missed: number;
}

/** Follows the faces of a video from now on. @throws FaceXFormerError BAD_OPTION, UNKNOWN_TASK */
export function followFaces(engine: VideoEngine, source: VideoSource, options: FollowOptions = {}): FaceSession {
  return new FaceSession(engine, source, options);
}

/** Faces that are followed through a video, until `stop` or its end: see `followFaces`. */
export class FaceSession implements AsyncIterable<VideoResult> {
  /** When it has ended, and why. Never rejects. */
  readonly ended: Promise<VideoEnd>;
  readonly #engine: VideoEngine;
  readonly #options: FollowOptions;
  readonly #tasks: readonly Task[];
  readonly #tracker: Tracker;
  readonly #frames: Frames;
  readonly #stopping = new AbortController();
  readonly #glide = new Glide();
  readonly #kept = new Map<number, Kept>();
  /** Rings when there is a result, or none any more. */
  readonly #told = new Bell();
  #latest: VideoResult | undefined;
  /** What whoever iterates has not taken yet: one result at most, and where every frame counts the session waits until it is taken. */
  readonly #untaken = new Set<VideoResult[]>();
  #end: VideoEnd | undefined;
  /** What `pause` was called for; a page's being hidden does the same, and who has not taken a result of every frame. */
  #paused = false;
  readonly #resumed = new Bell();
  #size: Size = { width: 0, height: 0 };
  /** In the video's time. */
  #time = Number.NaN;
  #lookAt = Number.NEGATIVE_INFINITY;
  /** When the last frame came, and how long it took, as `performance.now()` counts. */
  #came = performance.now();
  #took = 0;
  readonly #arrivals: number[] = [];
  /** Goes up with every `reset`: results of frames before it are not told. */
  #round = 0;

  constructor(engine: VideoEngine, source: VideoSource, options: FollowOptions) {
    const own = optionsOf<FollowOptions>('followFaces', FOLLOW_OPTIONS, options);
    const { tasks, signal, memory, recall, alike, maxFaces } = own;
    const [loaded, analyze] = given('The engine cannot be read.', () => [[...engine.tasks], engine.analyze] as const);
    mustBeFunction(analyze, 'engine.analyze');
    if (maxFaces !== undefined) mustBeWhole(maxFaces, 'maxFaces', 1);
    this.#engine = engine;
    this.#options = own;
    this.#tasks = checkedTasks(tasks, loaded, 'this engine');
    this.#tracker = new Tracker({ memory, recall, alike });
    this.#frames = given('The video cannot be read.', () => openFrames(source, own.frames));
    const { signal: stopped } = this.#stopping;
    const stop = () => this.stop();
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { signal: stopped });
    globalThis.document?.addEventListener('visibilitychange', () => this.#resumed.ring(), { signal: stopped });
    this.ended = this.#run();
  }

  /** The last result. */
  get latest(): VideoResult | undefined {
    return this.#latest;
  }

  /**
   * Where the faces are now, for a loop that draws: between two results they go on as they were going, for 0.4 seconds at most, and go over to
   * the next result without a jump.
   * @param now as `performance.now()` counts: the argument that `requestAnimationFrame` gives
   * @throws FaceXFormerError BAD_OPTION: `now` is no number, 0 or more
   */
  next(now: number = performance.now()): TrackedFace[] {
    mustBe('count', now, 'now');
    return this.#glide.at(now);
  }

  /** Stops looking until `resume`; the video goes on. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resumed.ring();
  }

  /** Forgets the faces and who they were, as for another video: ids begin anew nowhere, and none is given twice. */
  reset(): void {
    this.#round++;
    this.#forget({ everything: true });
  }

  /** Ends the session. What is under way is aborted, no frame stays open; the video and the engine stay the caller's. May be called again. */
  stop(): void {
    this.#stopping.abort();
    this.#resumed.ring();
    this.#frames.stop();
  }

  /**
   * Results as they come; of those that come faster than they are asked for, the newest. Where every frame is analysed there is a result of each: the next frame is
   * looked at when the result before is taken. Throws what the session failed of.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<VideoResult, void, undefined> {
    const own = this.#latest ? [this.#latest] : [];
    this.#untaken.add(own);
    try {
      for (;;) {
        const next = own.pop();
        this.#resumed.ring();
        if (next) yield next;
        else if (this.#end) break;
        else await this.#told.heard();
      }
    } finally {
      this.#untaken.delete(own);
      this.#resumed.ring();
    }
    if (this.#end.reason === 'failed') throw this.#end.error;
  }

  async #run(): Promise<VideoEnd> {
    const end = await this.#follow().catch((error: unknown): VideoEnd => ({ reason: 'failed', error }));
    this.#end = end;
    this.#stopping.abort();
    this.#frames.stop();
    this.#glide.clear();
    this.#kept.clear();
    this.#told.ring();
    return end;
  }

  /** Takes frames one after the other. */
  async #follow(): Promise<VideoEnd> {
    const { signal } = this.#stopping;
    let failing: number | undefined;
    let wait = FIRST_WAIT;
    while (!signal.aborted) {
      this.#took = performance.now() - this.#came;
      await this.#unlessPaused();
      const frame = await this.#frames.next();
      this.#came = performance.now();
      if (signal.aborted) frame?.close();
      if (signal.aborted) break;
      if (!frame) return this.#frames.fault ? { reason: 'failed', error: this.#frames.fault } : { reason: 'ended' };
      let result: VideoResult | undefined;
      try {
        result = await this.#see(frame);
        if (result?.timings) [failing, wait] = [undefined, FIRST_WAIT]; // the engine answered
      } catch (thrown) {
        if (signal.aborted) break;
        const error = FaceXFormerError.from(thrown);
        if (error.code === 'BUSY') continue; // another call of the app's took the place of this one
        failing ??= performance.now();
        if (FATAL.includes(error.code) || performance.now() - failing > PATIENCE) return { reason: 'failed', error };
        this.#options.onFault?.(error);
        await pause(wait, signal).catch(() => {}); // it was stopped
        wait = Math.min(2 * wait, LONGEST_WAIT);
      } finally {
        frame.close();
      }
      if (result && !signal.aborted) this.#tell(result);
    }
    return { reason: 'stopped' };
  }

  async #see(frame: Frame): Promise<VideoResult | undefined> {
    const round = this.#round;
    const { time, width, height } = frame;
    const resized = width !== this.#size.width || height !== this.#size.height;
    if (resized || time < this.#time || time > this.#time + CUT + FASTEST_PLAY * this.#took) this.#forget();
    this.#size = { width, height };
    this.#time = time;
    const tracks = this.#tracker.predict(time, this.#size);
    for (const id of this.#kept.keys()) if (!tracks.some((track) => track.id === id)) this.#kept.delete(id);
    const visible = tracks.filter(({ id }) => this.#kept.get(id)?.missed === 0);
    const looks = time >= this.#lookAt;
    if (!looks && visible.length === 0) return this.#resultOf(frame, [], { looked: false, labelled: false });
    if (looks) this.#lookAt = time + SOON; // also where the detector throws
    const { crop, maxFaces, labelsEvery = 0 } = this.#options;
    const labels = looks || visible.some(({ id }) => time - (this.#kept.get(id) as Kept).labelled >= labelsEvery);
    const tasks = labels ? this.#tasks : this.#tasks.filter((task) => MOVING.includes(task));
    const where = looks ? { crop, maxFaces } : { boxes: visible.map(({ box }) => this.#widened(box)) };
    const asked = { tasks, signal: this.#stopping.signal, queue: 'latest', ...where } as const;
    const analysis = looks || tasks.length > 0 ? await this.#analyze(frame, asked) : undefined;
    if (round !== this.#round) return undefined;
    let fresh: number[] = [];
    if (analysis) fresh = looks ? this.#found(analysis) : this.#moved(analysis, visible, labels);
    return this.#resultOf(frame, fresh, { looked: looks, labelled: labels, timings: analysis?.timings });
  }

  /** Gives a frame to the engine, which takes it at once; then it goes back to the camera. */
  #analyze(frame: Frame, options: AnalyzeOptions): Promise<Analysis> {
    const asked = this.#engine.analyze(frame.picture, options);
    if (tag(frame.picture) === 'VideoFrame') frame.close();
    return unless(this.#stopping.signal, asked);
  }

  /** Faces that the detector found: their ids. */
  #found({ faces }: Analysis): number[] {
    const boxes = faces.map(({ detected, box }) => detected ?? box);
    const tracks = this.#tracker.update(boxes, this.#time, this.#size);
    const ids = tracks.map((track, i) => this.#keep(track.id, faces[i] as Face, boxes[i], true));
    let lost = ids.length === 0;
    for (const [id, kept] of this.#kept) {
      if (!ids.includes(id)) kept.missed++;
      if (kept.missed === 1 || (!kept.missed && !kept.anchor.trusted)) lost = true;
    }
    const every = this.#options.lookEvery ?? 1000;
    this.#lookAt = this.#time + (lost || !this.#tasks.includes('landmarks') ? Math.min(SOON, every) : every);
    return ids;
  }

  /** Faces that were looked for where they were going: their ids. */
  #moved({ faces }: Analysis, tracks: readonly Track[], labels: boolean): number[] {
    return tracks.map(({ id, box }, i) => {
      const face = faces[i] as Face;
      const { anchor } = this.#kept.get(id) as Kept;
      const place = face.landmarks && anchor.place(face.landmarks, box);
      if (place) this.#tracker.move(id, place, this.#time, this.#size);
      else if (anchor.trusted) this.#lookAt = this.#time; // its landmarks are not where it should be
      return this.#keep(id, face, undefined, labels);
    });
  }

  /** Adds a frame's face to what is known of its track. @returns its id, which is an older one where it was known again */
  #keep(found: number, face: Face, detected: Box | undefined, labels: boolean): number {
    const time = this.#time;
    const id = face.recognition ? this.#tracker.recognise(found, face.recognition.embedding) : found;
    const known = this.#kept.get(id) ?? this.#kept.get(found);
    this.#kept.delete(found);
    const kept: Kept = known ?? { smoother: new FaceSmoother(), anchor: new Anchor(), face, analysed: time, labelled: time, missed: 0 };
    if (detected && face.landmarks) kept.anchor.set(face.landmarks, detected);
    const smooth = (this.#options.smooth ?? true) ? kept.smoother.next(face, (time - kept.analysed) / 1000) : face;
    // A mask is of its own frame's crop, and what the detector drew is where the face was then.
    const { segmentation: _, detected: __, points: ___, ...before } = kept.face;
    kept.face = { ...before, ...smooth };
    kept.analysed = time;
    if (labels) kept.labelled = time;
    kept.missed = 0;
    this.#kept.set(id, kept);
    return id;
  }

  #widened(box: Box): Box {
    const wide = this.#options.crop === 'square' ? widenToSquare(box, this.#size) : widen(box, this.#size);
    // A face at the edge leaves a pixel at least: a box of nothing is none.
    const x0 = Math.min(Math.trunc(wide.x0), this.#size.width - 1);
    const y0 = Math.min(Math.trunc(wide.y0), this.#size.height - 1);
    return { x0, y0, x1: Math.max(wide.x1, x0 + 1), y1: Math.max(wide.y1, y0 + 1) };
  }

  #resultOf(frame: Frame, fresh: readonly number[], told: Pick<VideoResult, 'looked' | 'labelled'> & Partial<VideoResult>): VideoResult {
    const now = performance.now();
    const { time, taken, width, height } = frame;
    // A face that one look missed is still believed to be there.
    const tracks = this.#tracker.tracks.filter(({ id }) => (this.#kept.get(id)?.missed ?? 2) < 2);
    const found = tracks.map((track) => trackedFace(track, this.#kept.get(track.id) as Kept, time, fresh.includes(track.id)));
    const faces = this.#options.mirror ? found.map((face) => mirror(face, frame)) : found;
    this.#glide.take(faces, { taken, now });
    const arrivals = this.#arrivals;
    arrivals.push(now);
    while (arrivals.length > 2 && now - (arrivals[0] as number) >= 2000) arrivals.shift();
    const [first = now] = arrivals;
    const fps = now > first ? (1000 * (arrivals.length - 1)) / (now - first) : 0;
    return { timings: undefined, ...told, faces, timestamp: time, age: Math.max(0, now - taken), width, height, fps };
  }

  #tell(result: VideoResult): void {
    this.#latest = result;
    for (const own of this.#untaken) own.splice(0, 1, result);
    this.#told.ring();
    this.#options.onResult?.(result);
  }

  /** After a cut nobody is where they were, but they may be the same people. */
  #forget({ everything = false } = {}): void {
    this.#tracker.reset({ everything });
    this.#kept.clear();
    this.#glide.clear();
    this.#lookAt = Number.NEGATIVE_INFINITY;
    this.#time = Number.NaN;
  }

  async #unlessPaused(): Promise<void> {
    const hidden = () => (this.#options.pauseHidden ?? true) && globalThis.document?.visibilityState === 'hidden';
    const ahead = () => this.#frames.every && [...this.#untaken].some((own) => own.length > 0);
    while ((this.#paused || hidden() || ahead()) && !this.#stopping.signal.aborted) await this.#resumed.heard();
  }
}

function trackedFace({ id, box, velocity, first }: Track, { face, analysed }: Kept, time: number, fresh: boolean): TrackedFace {
  const seconds = (time - analysed) / 1000;
  return { ...shifted(face, velocity.x * seconds, velocity.y * seconds), id, place: box, velocity, followed: time - first, fresh };
}
