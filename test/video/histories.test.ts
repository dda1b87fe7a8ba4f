/** Random histories of a session: videos that stall, seek, change and end, engines that are slow or fail, and what an app may call at any moment. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { type FaceSession, followFaces, type VideoEnd, type VideoResult } from '../../src/video/session.ts';
import type { TrackedFace } from '../../src/video/tracked-face.ts';
import { begin, FakeEngine, FakeFrame, FakeVideo, finish, frames, pass } from './browser.ts';

const HISTORIES = Number(process.env['HISTORIES'] ?? 20);

const of = <Name extends string>(call: Name) => fc.record({ call: fc.constant(call) });
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ call: fc.constant('wait' as const), milliseconds: fc.oneof(fc.nat(100), fc.nat(3000)) }) },
  { weight: 2, arbitrary: of('play' as const) },
  { weight: 2, arbitrary: of('stall' as const) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('seek' as const), to: fc.nat(100_000) }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('resize' as const), width: fc.constantFrom(0, 1, 320, 1280, 4000) }) },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('hear' as const), heard: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ call: fc.constant('takes' as const), milliseconds: fc.constantFrom(0, 1, 10, 100, 1000, 5000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('fail' as const),
      times: fc.nat(4),
      code: fc.constantFrom('GPU_ERROR' as const, 'DEVICE_LOST' as const, 'BUSY' as const, 'LIMIT' as const, 'BAD_PICTURE' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ call: fc.constant('scene' as const), faces: fc.nat(3), speed: fc.integer({ min: -900, max: 900 }) }),
  },
  { weight: 1, arbitrary: of('pause' as const) },
  { weight: 2, arbitrary: of('resume' as const) },
  { weight: 1, arbitrary: of('reset' as const) },
  { weight: 1, arbitrary: fc.record({ call: fc.constantFrom('stop' as const, 'end' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const options = fc.record({
  lookEvery: fc.constantFrom(undefined, 0, 100, 5000),
  labelsEvery: fc.constantFrom(undefined, 0, 500),
  tasks: fc.constantFrom(undefined, ['landmarks'] as const, ['gender'] as const, ['age', 'landmarks'] as const),
  smooth: fc.boolean(),
  mirror: fc.boolean(),
  memory: fc.constantFrom(undefined, 0, 100, 10_000),
  crop: fc.constantFrom(undefined, 'square' as const),
});

const numbersIn = (value: unknown): number[] =>
  typeof value === 'number' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];

function wrongIn(faces: readonly TrackedFace[], where: string): string[] {
  const ids = faces.map(({ id }) => id);
  const wrong = new Set(ids).size < ids.length ? [`${where}: ids ${ids}`] : [];
  if (!numbersIn(faces).every(Number.isFinite)) wrong.push(`${where}: no number in ${JSON.stringify(faces)}`);
  return wrong;
}

async function wrongOf(source: 'element' | 'stream' | 'iterable', told: object, steps: readonly Step[]): Promise<string[]> {
  const wrong: string[] = [];
  const video = new FakeVideo();
  let scene = { faces: 1, speed: 100 };
  let failures: FaceXFormerError[] = [];
  const engine = new FakeEngine(
    (seconds) => Array.from({ length: scene.faces }, (_, i) => ({ x: 300 * (i + 1) + ((scene.speed * seconds) % 300), y: 300, size: 120 })),
    50,
    true,
  );
  engine.fault = () => failures.shift();
  let isOver = false;
  async function* shown() {
    while (!video.ended) {
      await new Promise((resolve) => setTimeout(resolve, 33));
      if (video.playing && video.videoWidth > 0) yield new FakeFrame(video) as unknown as VideoFrame;
    }
  }
  const given = source === 'element' ? video : source === 'iterable' ? shown() : readable(shown());
  const results: VideoResult[] = [];
  const onResult = (result: VideoResult) => {
    if (isOver) wrong.push('a result after the end');
    results.push(result);
    wrong.push(...wrongIn(result.faces, 'result'));
    if (!(result.age >= 0 && result.fps >= 0)) wrong.push(`age ${result.age}, fps ${result.fps}`);
  };
  const session: FaceSession = followFaces(engine, given as unknown as HTMLVideoElement, { ...told, onResult });
  let end: VideoEnd | undefined;
  void session.ended.then((how) => {
    end = how;
  });
  let isPaused = false;
  for (const what of steps) {
    if (what.call === 'wait') await pass(what.milliseconds);
    else if (what.call === 'play' || what.call === 'stall') video.playing = what.call === 'play';
    else if (what.call === 'seek') video.time = what.to;
    else if (what.call === 'resize') video.videoWidth = what.width;
    else if (what.call === 'hear') video.unheard = !what.heard;
    else if (what.call === 'takes') engine.takes = what.milliseconds;
    else if (what.call === 'fail') failures = Array.from({ length: what.times }, () => new FaceXFormerError(what.code, 'made to fail'));
    else if (what.call === 'scene') scene = what;
    else if (what.call === 'end') video.finish();
    else {
      session[what.call]();
      if (what.call === 'stop') isOver = true;
      isPaused = what.call === 'pause' || (isPaused && what.call !== 'resume');
    }
    wrong.push(...wrongIn(session.next(), `next after ${what.call}`));
  }
  const isToEnd = isOver || video.ended;
  session.resume();
  Object.assign(video, { playing: !video.ended, unheard: false, videoWidth: 1280 });
  engine.takes = 50;
  failures = [];
  const before = results.length;
  await pass(15_000);
  if (!isToEnd && results.length <= before) wrong.push(`no result any more: ${JSON.stringify(end)}`);
  if (!isToEnd && end) wrong.push(`ended: ${JSON.stringify(end)}`);
  if (isToEnd && !end) wrong.push('does not end');
  session.stop();
  await pass(6000);
  if (!end) wrong.push('does not end after stop');
  if (frames.open > 0) wrong.push(`${frames.open} frames are open`);
  video.off();
  return wrong;
}

/** A stream of frames, as a camera's in a worker: what comes after a cancel is closed. */
function readable(shown: AsyncGenerator<VideoFrame>): ReadableStream<VideoFrame> {
  let isCancelled = false;
  const source: UnderlyingDefaultSource<VideoFrame> = {
    async pull(to) {
      const { value, done } = await shown.next();
      if (isCancelled) value?.close();
      else if (done) to.close();
      else to.enqueue(value);
    },
    cancel() {
      isCancelled = true;
      void shown.return(undefined);
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

it.each(['element', 'stream', 'iterable'] as const)('of a session on an %s end well', { timeout: HISTORIES * 3000 }, async (source) => {
  const history = fc.asyncProperty(options, fc.array(step, { minLength: 3, maxLength: 30 }), async (told, steps) => {
    begin();
    try {
      expect(await wrongOf(source, told, steps)).toEqual([]);
    } finally {
      finish();
    }
  });
  await fc.assert(history, { numRuns: HISTORIES });
});
