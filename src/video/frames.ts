/** A video's frames, whatever it comes from: one at a time, the newest, each closed by whoever takes it. */
import { badOption, badPicture, type FaceXFormerError } from '../gpu/errors.ts';
import { said, tag } from '../gpu/given.ts';
import { Bell, pause } from '../gpu/waiting.ts';
import type { Size } from '../image/crop.ts';
import { AS_STORED, type PictureSource, shownBy } from '../image/source.ts';

/** A picture whose size is known, or a file or an image element, whose pixels' size is known when they are decoded. */
type Still = Exclude<PictureSource, string | URL>;

/** Frames of an app's own: they become the session's, which closes them. */
export type FrameStream = ReadableStream<VideoFrame> | AsyncIterable<Still> | Iterable<Still>;

/** What can be followed: a video element, a camera's stream or track, a video file or its address, or frames. In a worker there are no video elements. */
export type VideoSource = HTMLVideoElement | MediaStream | MediaStreamTrack | Blob | string | URL | FrameStream;

/** When a frame is from. */
interface Shown {
  /** In the video's own time, milliseconds. */
  readonly time: number;
  /** When it was taken or shown, as `performance.now()` counts. */
  readonly taken: number;
}

/** A frame, and when it is from. */
export interface Frame extends Size, Shown {
  readonly picture: PictureSource;
  close(): void;
}

export interface Frames {
  /** Whether none is left out, however long it takes. */
  readonly every: boolean;
  /** Gives the newest frame that was not given yet, when there is one; undefined at the video's end. */
  next(): Promise<Frame | undefined>;
  /** Why there are no more, if that is a fault. */
  readonly fault: FaceXFormerError | undefined;
  /** Lets go of the video; a `next` that waits gives undefined. May be called again. */
  stop(): void;
}

/** What of frames is wanted: the newest one whenever there is time, or every one, however long it takes. */
export type FrameChoice = 'newest' | 'every';

/**
 * Opens a video.
 * @param choice of a stream's or an iterable's frames; unless given, a ReadableStream's newest, and an iterable's every one
 * @throws FaceXFormerError BAD_OPTION: no video, or none that can be opened in a worker
 */
export function openFrames(source: VideoSource, choice?: FrameChoice): Frames {
  switch (tag(source)) {
    case 'HTMLVideoElement':
      return new ElementFrames(source as HTMLVideoElement);
    case 'MediaStream':
      return ofStream(source as MediaStream);
    case 'MediaStreamTrack':
    case 'CanvasCaptureMediaStreamTrack':
      return ofTrack(source as MediaStreamTrack, choice);
    case 'Blob':
    case 'File':
      return ofFile(source as Blob);
    case 'String':
    case 'URL':
      return ofAddress(String(source));
    case 'ReadableStream':
      return new StreamFrames(iteratorOf(source as ReadableStream<VideoFrame>), choice ?? 'newest');
  }
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(source) as AsyncIterable<PictureSource> &
    Iterable<PictureSource>;
  if (typeof later === 'function') return new StreamFrames(later.call(source), choice ?? 'every');
  if (typeof now === 'function') return new StreamFrames(now.call(source), choice ?? 'every');
  throw badOption(`A ${tag(source)} is no video. Give a video element, a MediaStream, a file, its address, or VideoFrames.`);
}

/** How often a video is looked at where the browser has no `requestVideoFrameCallback`, in milliseconds. */
const GLANCE = 16;
/** A capture time that lies farther back, in milliseconds, is of another clock. */
const PLAUSIBLE = 10_000;

/** The frame that an element tells of, and where the element says it stands then, milliseconds on a scale of its own. */
interface Told extends Shown {
  readonly position: number;
}

class ElementFrames implements Frames {
  readonly every = false;
  fault: FaceXFormerError | undefined;
  #shown: Told | undefined;
  #over = false;
  readonly #changed = new Bell();
  #callback = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #listening = new AbortController();

  /** @param free lets go of what the element was made for; of the caller's own there is nothing */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly free: () => void = () => {},
  ) {
    const { signal } = this.#listening;
    video.addEventListener('ended', () => this.#end(), { signal });
    video.addEventListener('error', () => this.#end(unplayable(video)), { signal });
    const hear = () => {
      for (const track of tracksOf(video)) {
        if (track.readyState === 'ended') this.#end();
        track.addEventListener('ended', () => tracksOf(video).includes(track) && this.#end(), { signal });
      }
    };
    hear();
    video.addEventListener('loadedmetadata', hear, { signal }); // of another camera, say, which the app has given it since
    video.addEventListener('loadeddata', () => this.#mustShow(), { signal });
    this.#mustShow();
    if (video.error) this.#end(unplayable(video));
    if (video.ended) this.#over = true; // its last frame is shown, and is the only one
    this.#watch();
    if (this.#hasFrame) this.#see(this.#now());
  }

  async next(): Promise<Frame | undefined> {
    for (;;) {
      const shown = this.#shown;
      this.#shown = undefined;
      const picture = shown && (await this.#take());
      if (picture) return frameOf(picture, this.#asOfNow(shown));
      if (this.#over) return undefined;
      if (!this.#shown) await this.#changed.heard();
    }
  }

  stop(): void {
    if (this.#listening.signal.aborted) return;
    this.#listening.abort();
    if (this.#callback) this.video.cancelVideoFrameCallback(this.#callback);
    clearInterval(this.#timer);
    this.#end();
    this.#shown = undefined;
    this.free();
  }

  get #hasData(): boolean {
    const HAVE_CURRENT_DATA = 2;
    return this.video.readyState >= HAVE_CURRENT_DATA;
  }

  get #hasFrame(): boolean {
    return this.#hasData && this.video.videoWidth > 0;
  }

  /** A file of which the browser plays the sound alone gives no frame, and no error either. */
  #mustShow(): void {
    if (this.#hasData && !this.#hasFrame && !this.video.srcObject)
      this.#end(badPicture('The video shows nothing: it is sound alone, or its pictures are of a kind that this browser does not decode.'));
  }

  get #position(): number {
    return this.video.currentTime * 1000;
  }

  #now(): Told {
    return { time: this.#position, taken: performance.now(), position: this.#position };
  }

  /** The picture that is taken is the one on the screen, and a page that was hidden or busy has not been told of it yet: it is as much newer as the video went on. */
  #asOfNow({ time, taken, position }: Told): Shown {
    const later = Math.max(0, this.#position - position);
    return { time: time + later, taken: Math.min(performance.now(), taken + later) };
  }

  /** Hears of every frame that is shown. */
  #watch(): void {
    const { video } = this;
    if ('requestVideoFrameCallback' in video) {
      const shown: VideoFrameRequestCallback = (now, { captureTime, expectedDisplayTime, mediaTime }) => {
        this.#callback = video.requestVideoFrameCallback(shown);
        const taken = [captureTime, expectedDisplayTime].find((time) => time !== undefined && time <= now && now - time < PLAUSIBLE) ?? now;
        this.#see({ time: mediaTime * 1000, taken, position: this.#position });
      };
      this.#callback = video.requestVideoFrameCallback(shown);
      return;
    }
    let last = -1;
    this.#timer = setInterval(() => {
      if (!this.#hasFrame || this.video.currentTime === last) return;
      last = this.video.currentTime;
      this.#see(this.#now());
    }, GLANCE);
  }

  #see(shown: Told): void {
    if (this.#over && !this.video.ended) return; // an element may show its last frame on and on
    this.#shown = shown;
    this.#changed.ring();
  }

  #end(fault?: FaceXFormerError): void {
    this.#over = true;
    this.fault ??= fault;
    this.#changed.ring();
  }

  /** What is shown now; nothing where it shows nothing any more. */
  async #take(): Promise<VideoFrame | ImageBitmap | undefined> {
    if (!this.#hasFrame) return undefined;
    try {
      return globalThis.VideoFrame ? shownBy(this.video) : await createImageBitmap(this.video);
    } catch (error) {
      if ((error as Error | undefined)?.name !== 'SecurityError') return undefined; // between two sources
      const message =
        "The video is of another origin, which keeps its pixels from the page. Serve it with CORS headers and set crossOrigin = 'anonymous'.";
      this.#end(badPicture(message, { cause: error }));
      return undefined;
    }
  }
}

const tracksOf = (video: HTMLVideoElement): MediaStreamTrack[] => (video.srcObject as MediaStream | null)?.getVideoTracks() ?? [];

const unplayable = ({ error }: HTMLVideoElement): FaceXFormerError =>
  badPicture(`The video cannot be played: ${error?.message || 'this browser knows no such format'}.`, {
    cause: error,
  });

/** A video element of our own. */
function player(fill: (video: HTMLVideoElement) => () => void): Frames {
  if (typeof document === 'undefined')
    throw badOption(
      'A worker has no video elements. Give it the frames: `new MediaStreamTrackProcessor({ track }).readable`, which the page can transfer.',
    );
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  const empty = fill(video);
  const frames = new ElementFrames(video, () => {
    video.pause();
    empty();
  });
  video.play().catch((error: Error) => {
    if (error.name === 'AbortError') return;
    frames.fault ??= badPicture(`The video does not play: ${error.message}`);
    frames.stop();
  });
  return frames;
}

function ofStream(stream: MediaStream): Frames {
  if (stream.getVideoTracks().length === 0)
    throw badOption('The stream has no video track, and no frame would come of it. Follow it when one was added.');
  return player((video) => {
    video.srcObject = stream;
    return () => {
      video.srcObject = null;
    };
  });
}

function ofTrack(track: MediaStreamTrack, choice: FrameChoice = 'newest'): Frames {
  if (typeof document !== 'undefined') return ofStream(new MediaStream([track]));
  const { MediaStreamTrackProcessor } = globalThis as {
    MediaStreamTrackProcessor?: new (init: object) => { readable: ReadableStream<VideoFrame> };
  };
  if (!MediaStreamTrackProcessor)
    throw badOption('This worker reads no frames of a track: it has no MediaStreamTrackProcessor. Follow it on the page.');
  return new StreamFrames(iteratorOf(new MediaStreamTrackProcessor({ track }).readable), choice);
}

const ofAddress = (address: string, done: () => void = () => {}): Frames =>
  player((video) => {
    video.crossOrigin = 'anonymous';
    video.src = address;
    return () => {
      video.removeAttribute('src');
      video.load(); // lets go of what it has decoded
      done();
    };
  });

function ofFile(file: Blob): Frames {
  const address = URL.createObjectURL(file);
  try {
    return ofAddress(address, () => URL.revokeObjectURL(address));
  } catch (error) {
    URL.revokeObjectURL(address);
    throw error;
  }
}

type Pull = { next(): Promise<IteratorResult<PictureSource>> | IteratorResult<PictureSource>; return?(): unknown };

/** Older browsers do not iterate over streams. */
function iteratorOf(stream: ReadableStream<VideoFrame>): Pull {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<PictureSource>>,
    return: () => reader.cancel(),
  };
}

/** Frames that are read: the newest of those that come by themselves, or one after the other. */
class StreamFrames implements Frames {
  readonly every: boolean;
  fault: FaceXFormerError | undefined;
  #newest: Frame | undefined;
  #over = false;
  #stopped = false;
  readonly #changed = new Bell();
  #start = performance.now();

  constructor(
    private readonly pull: Pull,
    choice: FrameChoice,
  ) {
    this.every = choice === 'every';
    if (!this.every) void this.#pump();
  }

  async next(): Promise<Frame | undefined> {
    if (this.every && !this.#over) void this.#read(); // which may not come before `stop`
    while (!this.#newest && !this.#over) await this.#changed.heard();
    const frame = this.#newest;
    this.#newest = undefined;
    return frame;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#over = true;
    this.#newest?.close();
    this.#newest = undefined;
    Promise.resolve()
      .then(() => this.pull.return?.())
      .catch(() => {}); // it has ended then
    this.#changed.ring();
  }

  async #pump(): Promise<void> {
    while (!this.#over) {
      await this.#read();
      await pause(0, undefined); // frames that are always there would let nobody take one
    }
  }

  async #read(): Promise<void> {
    try {
      const { value, done } = await this.pull.next();
      if (done || value === undefined) this.#over = true;
      else this.#take(/^(Blob|File|HTMLImageElement)$/.test(tag(value)) ? await createImageBitmap(value as Blob, AS_STORED) : value);
    } catch (error) {
      this.#over = true;
      this.fault = badPicture(`The frames ended with an error: ${said(error)}`, { cause: error });
    }
    this.#changed.ring();
  }

  #take(picture: PictureSource): void {
    const now = performance.now();
    const { timestamp } = picture as VideoFrame;
    const time = Number.isFinite(timestamp) ? timestamp / 1000 : now - this.#start;
    const frame = frameOf(picture, { time, taken: now });
    this.#newest?.close();
    this.#newest = this.#stopped ? undefined : frame;
    if (this.#stopped) frame.close();
  }
}

function frameOf(picture: PictureSource, shown: Shown): Frame {
  const { displayWidth, displayHeight, videoWidth, videoHeight, width, height } = picture as VideoFrame & HTMLVideoElement;
  return {
    ...shown,
    picture,
    width: displayWidth ?? videoWidth ?? width,
    height: displayHeight ?? videoHeight ?? height,
    close: () => (picture as { close?(): void }).close?.(),
  };
}
