/** What sessions use of a browser, made up: frames that are counted, a video element that shows them, an engine that takes its time. */
import { vi } from 'vitest';
import type { Analysis, AnalyzeOptions } from '../../src/engine/options.ts';
import type { Face } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { type Box, checkBox, type Point, widen } from '../../src/image/crop.ts';
import type { VideoEngine } from '../../src/video/session.ts';
import { boxAt, PICTURE } from './scene.ts';

/** VideoFrames that are open. */
export const frames = { open: 0, most: 0, made: 0 };

export class FakeFrame {
  readonly [Symbol.toStringTag] = 'VideoFrame';
  readonly displayWidth: number;
  readonly displayHeight: number;
  readonly timestamp: number;
  #open = true;

  /** A browser that knows it turns a video's frames as the video is turned. */
  get rotation(): number {
    return 0;
  }

  constructor(of: {
    videoWidth?: number;
    videoHeight?: number;
    displayWidth?: number;
    displayHeight?: number;
    timestamp?: number;
    time?: number;
  }) {
    this.displayWidth = of.displayWidth ?? of.videoWidth ?? PICTURE.width;
    this.displayHeight = of.displayHeight ?? of.videoHeight ?? PICTURE.height;
    this.timestamp = of.timestamp ?? (of.time ?? 0) * 1000;
    frames.made++;
    frames.open++;
    frames.most = Math.max(frames.most, frames.open);
  }

  close(): void {
    if (this.#open) frames.open--;
    this.#open = false;
  }
}

/** A video element that shows a frame every 33 ms while it plays. */
export class FakeVideo extends EventTarget {
  readonly [Symbol.toStringTag] = 'HTMLVideoElement';
  readyState = 4;
  videoWidth = PICTURE.width;
  videoHeight = PICTURE.height;
  ended = false;
  error: { message: string } | null = null;
  srcObject: unknown = null;
  /** Milliseconds of the video. */
  time = 0;
  playing = true;
  /** As of a page that is hidden or busy: the video goes on, and nobody hears of its frames. */
  unheard = false;
  #callbacks = new Map<number, (now: number, metadata: object) => void>();
  #ids = 0;
  readonly #timer = setInterval(() => this.show(), 1000 / 30);
  /** What it says of a frame besides its place in the video. */
  tells: (now: number) => object = (now) => ({ expectedDisplayTime: now });

  get currentTime(): number {
    return this.time / 1000;
  }

  get listeners(): number {
    return this.#callbacks.size;
  }

  requestVideoFrameCallback(callback: (now: number, metadata: object) => void): number {
    this.#callbacks.set(++this.#ids, callback);
    return this.#ids;
  }

  cancelVideoFrameCallback(id: number): void {
    this.#callbacks.delete(id);
  }

  show(): void {
    if (!this.playing) return;
    this.time += 1000 / 30;
    if (this.unheard) return;
    const now = performance.now();
    const callbacks = [...this.#callbacks.values()];
    this.#callbacks.clear();
    for (const callback of callbacks) callback(now, { mediaTime: this.time / 1000, ...this.tells(now) });
  }

  finish(): void {
    this.playing = false;
    this.ended = true;
    this.dispatchEvent(new Event('ended'));
  }

  off(): void {
    clearInterval(this.#timer);
  }
}

export interface Call {
  readonly kind: 'look' | 'crops';
  readonly tasks: readonly string[];
  readonly time: number;
  readonly options: AnalyzeOptions;
}

export const landmarksOf = ({ x0, y0, x1, y1 }: Box): Point[] =>
  Array.from({ length: 68 }, (_, i) => ({
    x: (x0 + x1) / 2 + 0.42 * (x1 - x0) * Math.cos(i),
    y: (y0 + y1) / 2 + 0.4 * (y1 - y0) * Math.sin(i),
  }));

/** An engine that answers after `takes` milliseconds with the faces of a scene; of the crops it is given, those that hold a face. */
export class FakeEngine implements VideoEngine {
  readonly tasks = ['landmarks', 'headpose', 'age', 'gender'] as const;
  readonly calls: Call[] = [];
  under = 0;
  /** Thrown by the next calls, where it says so. */
  fault: ((call: Call) => unknown) | undefined;

  constructor(
    private readonly faces: (seconds: number) => readonly { x: number; y: number; size: number }[],
    public takes = 100,
    private readonly embeddings = false,
  ) {}

  async analyze(picture: unknown, options: AnalyzeOptions = {}): Promise<Analysis> {
    const { boxes, tasks = this.tasks, signal } = options;
    const given = picture as FakeFrame;
    const frame = new FakeFrame(given); // as the engine takes one
    const call: Call = { kind: boxes ? 'crops' : 'look', tasks, time: given.timestamp / 1000, options };
    this.calls.push(call);
    this.under++;
    try {
      await new Promise((resolve) => setTimeout(resolve, this.takes / 4));
      const fault = this.fault?.(call);
      if (fault) throw fault;
      frame.close();
      await new Promise((resolve) => setTimeout(resolve, (3 * this.takes) / 4));
      if (signal?.aborted) throw new FaceXFormerError('ABORTED', 'stopped');
      const there = this.faces(call.time / 1000).map((at) => ({ at, detected: boxAt(at) }));
      const found = boxes
        ? (boxes as Box[]).map((box) => {
            checkBox(box, { width: given.displayWidth, height: given.displayHeight });
            const inside = there.find(({ at }) => at.x > box.x0 && at.x < box.x1 && at.y > box.y0 && at.y < box.y1);
            return this.#face(tasks, box, inside?.detected);
          })
        : there.map(({ detected }) => this.#face(tasks, widen(detected, PICTURE), detected, true));
      const timings = { decode: 0, detect: 0, upload: 0, encode: 0, run: this.takes, total: this.takes };
      return { faces: found as Analysis['faces'], width: given.displayWidth, height: given.displayHeight, timings };
    } finally {
      frame.close();
      this.under--;
    }
  }

  #face(tasks: readonly string[], box: Box, place: Box | undefined, detected = false): Face {
    const seen = place ?? { x0: box.x0, y0: box.y0, x1: box.x0 + 20, y1: box.y0 + 20 };
    const size = Math.round(seen.x1 - seen.x0);
    return {
      box,
      ...(detected && { detected: seen, points: landmarksOf(seen).slice(0, 5), score: 1, source: 'detector' as const }),
      ...(tasks.includes('landmarks') && { landmarks: landmarksOf(seen) }),
      ...(tasks.includes('gender') && {
        gender: { label: 'male' as const, probability: 0.7, probabilities: { male: 0.7, female: 0.3 } },
      }),
      ...(this.embeddings &&
        tasks.includes('gender') && {
          recognition: { embedding: Float32Array.from({ length: 8 }, (_, i) => Math.sin(size * (i + 1))) },
        }),
    };
  }
}

/** Fake timers, and a browser that has VideoFrames. */
export function begin(): void {
  Object.assign(frames, { open: 0, most: 0, made: 0 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  vi.stubGlobal('VideoFrame', FakeFrame);
}

export function finish(): void {
  vi.unstubAllGlobals();
  vi.useRealTimers();
}

export const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
