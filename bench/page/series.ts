/** Times many calls: one after the other, several at a time, or one for each frame of a video. */
import { throwIfAborted } from '../../src/gpu/errors.ts';
import type { Measured, Series, VideoSeries } from './result.ts';
import { summary } from './statistics.ts';

interface SeriesOptions {
  readonly calls: number;
  readonly signal?: AbortSignal | undefined;
  /** Told after every call how many are done. */
  readonly onCall?: ((done: number) => void) | undefined;
}

/** Keeps `inFlight` calls under way until all are done. */
export async function timeCalls(call: () => Promise<unknown>, inFlight: number, { calls, signal, onCall }: SeriesOptions): Promise<Series> {
  const samples: number[] = [];
  let begun = 0;
  const start = performance.now();
  const lane = async () => {
    while (begun < calls) {
      throwIfAborted(signal);
      begun++;
      const before = performance.now();
      await call();
      samples.push(performance.now() - before);
      onCall?.(samples.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, calls) }, lane));
  const total = performance.now() - start;
  return { samples, latency: summary(samples), inFlight, total, fps: (1000 * calls) / total };
}

/** A video that shows no frame for so long will show none, in milliseconds. */
const PATIENCE = 30_000;
/** A series ends after so long, whatever it has. */
const LONGEST = 20_000;

/** Shows a moving picture as a video and calls for its newest frame whenever the one before is done. */
export async function timeVideo(
  picture: ImageBitmap,
  call: (video: HTMLVideoElement) => Promise<unknown>,
  { calls, signal, onCall }: SeriesOptions,
): Promise<Measured<VideoSeries>> {
  if (!('requestVideoFrameCallback' in HTMLVideoElement.prototype)) return { skipped: 'this browser has no requestVideoFrameCallback' };
  if (!('captureStream' in HTMLCanvasElement.prototype)) return { skipped: 'this browser makes no video of a canvas (captureStream)' };
  const moving = movingPicture(picture);
  const { video } = moving;
  try {
    await within(video.play());
    const [samples, ages, frames]: [number[], number[], number[]] = [[], [], []];
    const start = performance.now();
    while (samples.length < calls && (samples.length === 0 || performance.now() - start < LONGEST)) {
      throwIfAborted(signal);
      const { presentedFrames, expectedDisplayTime } = await within(
        new Promise<VideoFrameCallbackMetadata>((resolve) => {
          video.requestVideoFrameCallback((_, metadata) => resolve(metadata));
        }),
      );
      const before = performance.now();
      await call(video);
      const now = performance.now();
      samples.push(now - before);
      ages.push(Math.max(0, now - expectedDisplayTime));
      frames.push(presentedFrames);
      onCall?.(samples.length);
    }
    const total = performance.now() - start;
    const presented = (frames.at(-1) as number) - (frames[0] as number) + 1;
    return { samples, latency: summary(samples), inFlight: 1, total, fps: (1000 * samples.length) / total, presented, age: summary(ages) };
  } catch (error) {
    if (error instanceof NoFrame) return { skipped: error.message };
    throw error;
  } finally {
    moving.stop();
  }
}

class NoFrame extends Error {}

function within<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoFrame(`the video showed no frame in ${PATIENCE / 1000} s`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The picture swaying by a few pixels at the screen's pace, so that every frame of the video is a new one. */
function movingPicture(picture: ImageBitmap): { video: HTMLVideoElement; stop(): void } {
  const canvas = Object.assign(document.createElement('canvas'), { width: picture.width, height: picture.height });
  const context = canvas.getContext('2d');
  let request = 0;
  const draw = (time: number) => {
    context?.drawImage(picture, Math.round(6 * Math.sin(time / 400)), Math.round(6 * Math.cos(time / 500)));
    request = requestAnimationFrame(draw);
  };
  draw(0);
  const stream = canvas.captureStream();
  const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
  video.srcObject = stream;
  return {
    video,
    stop() {
      cancelAnimationFrame(request);
      video.pause();
      video.srcObject = null;
      for (const track of stream.getTracks()) track.stop();
    },
  };
}
