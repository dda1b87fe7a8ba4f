/** A camera followed by a reduced network and MTCNN while everything around them stalls, and a camera whose every frame is analysed. */
import { mtcnn } from '../../src/detect/index.ts';
import type { FaceXFormer, LoadDetector, QueueMode } from '../../src/index.ts';
import { type FaceSession, followFaces, openCamera, type VideoEngine } from '../../src/video/index.ts';
import { load as loadReduced, picture } from '../engine/reduced.ts';
import { counting, type Open } from './open.ts';

const open = counting();
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const WEIGHTS = new URL('/mtcnn.safetensors', location.href);

let engine: FaceXFormer;
let video: HTMLVideoElement;
/** Milliseconds that the detector's next look takes longer. */
let slower = 0;

const detector: LoadDetector = async (on) => {
  const real = await mtcnn({ weights: WEIGHTS, minFace: 100 })(on);
  return {
    async detect(given, options) {
      const found = await real.detect(given, options);
      await sleep(slower);
      slower = 0;
      return found;
    },
    dispose: () => real.dispose?.(),
  };
};

/** An element that shows the camera, and an engine that is warm. */
export async function begin(): Promise<void> {
  video = document.createElement('video');
  video.muted = true;
  video.srcObject = await openCamera();
  document.body.append(video);
  await video.play();
  engine = await loadReduced({ tasks: ['landmarks', 'gender'], detector });
  await engine.analyze(video, { maxFaces: 1 });
}

/** What a page, its video, its detector and its GPU can be held up by. */
const STALLS: readonly (() => Promise<unknown> | undefined)[] = [
  () => {
    const end = performance.now() + 500;
    while (performance.now() < end);
    return undefined;
  },
  async () => {
    video.pause();
    await sleep(1200);
    await video.play();
  },
  () => {
    slower = 800;
    return undefined;
  },
  () => engine.analyze(picture, { box: 'whole' }),
];

let session: FaceSession;
let stalling: ReturnType<typeof setInterval>;
/** How long each call of the session took, what it waited for other calls in it. */
let took = 0;
const timed: VideoEngine = {
  get tasks() {
    return engine.tasks;
  },
  async analyze(given, options) {
    const start = performance.now();
    const analysis = await engine.analyze(given, options);
    took = performance.now() - start;
    return analysis;
  },
};

/** Of the results so far. */
const told = { results: 0, faces: 0, stalls: 0, oldest: 0, slowest: 0, late: 0, ids: [] as number[], faults: [] as string[] };

/** Follows the camera from now on, and holds something up twice in three seconds. */
export function follow(): void {
  let before = 0;
  session = followFaces(timed, video, {
    maxFaces: 1,
    onFault: ({ code, message }) => told.faults.push(`${code} ${message}`),
    onResult({ faces, age }) {
      told.results++;
      told.faces = Math.max(told.faces, faces.length);
      for (const { id } of faces) if (!told.ids.includes(id)) told.ids.push(id);
      told.oldest = Math.max(told.oldest, age);
      told.slowest = Math.max(told.slowest, took);
      told.late = Math.max(told.late, age - took - before);
      before = took;
    },
  });
  stalling = setInterval(() => void STALLS[told.stalls++ % STALLS.length]?.(), 1500);
}

/** What is open between two results, at the fewest of five looks, and what was told so far. */
export async function soFar() {
  const looks: Open[] = [];
  for (let i = 0; i < 5; i++) {
    looks.push(open());
    await sleep(30);
  }
  const least = (name: 'frames' | 'gpu' | 'bytes') => Math.min(...looks.map((look) => look[name]));
  return { frames: least('frames'), gpu: least('gpu'), bytes: least('bytes'), ...told };
}

/** Frames that stay open when everything that was aborted has had its time. */
async function left(): Promise<number> {
  for (let i = 0; i < 100 && open().frames > 0; i++) await sleep(100);
  return open().frames;
}

/** Ends the session. */
export async function end() {
  clearInterval(stalling);
  await sleep(1500); // what holds up the last one
  session.stop();
  const { reason } = await session.ended;
  return { reason, frames: await left() };
}

/** The frames that a camera shows while each is given to the engine, as a loop is written that awaits nothing. What waits in the end is aborted. */
export async function flood(milliseconds: number, queue: QueueMode | undefined) {
  const counted = { frames: 0, answered: 0, busy: 0, aborted: 0, others: [] as string[], oldest: 0, slowest: 0, open: 0, last: 0 };
  const start = performance.now();
  const ending = new AbortController();
  const unanswered: Promise<unknown>[] = [];
  const options = { box: 'whole', tasks: ['gender'], signal: ending.signal, ...(queue && { queue }) } as const;
  const give = () => {
    const now = performance.now();
    counted.frames++;
    counted.last = now - start;
    const answer = engine.analyze(video, options).then(
      ({ timings }) => {
        counted.answered++;
        counted.oldest = Math.max(counted.oldest, performance.now() - now);
        counted.slowest = Math.max(counted.slowest, timings.total);
      },
      ({ code }) => {
        if (code === 'BUSY') counted.busy++;
        else if (code === 'ABORTED') counted.aborted++;
        else counted.others.push(code);
      },
    );
    unanswered.push(answer);
    counted.open = Math.max(counted.open, open().frames);
  };
  await everyFrame(milliseconds, give);
  while (counted.answered === 0) await sleep(50);
  ending.abort();
  await Promise.all(unanswered);
  const usual = await everyFrame(1000);
  return { ...counted, usual, left: await left() };
}

/** Hears of each frame that the camera shows meanwhile. @returns how many those are */
async function everyFrame(milliseconds: number, hear: () => void = () => {}): Promise<number> {
  let frames = 0;
  let callback = 0;
  const shown = () => {
    frames++;
    hear();
    callback = video.requestVideoFrameCallback(shown);
  };
  callback = video.requestVideoFrameCallback(shown);
  await sleep(milliseconds);
  video.cancelVideoFrameCallback(callback);
  return frames;
}
