/** Sessions with an engine, a video and a clock that are made up, and frames that are counted. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Box } from '../../src/image/crop.ts';
import { Anchor } from '../../src/video/anchor.ts';
import { Glide } from '../../src/video/glide.ts';
import { type FaceSession, followFaces, type VideoResult } from '../../src/video/session.ts';
import type { TrackedFace } from '../../src/video/tracked-face.ts';
import { codeOf } from '../errors.ts';
import { begin, FakeEngine, FakeFrame, FakeVideo, finish, frames, landmarksOf, pass } from './browser.ts';
import { boxAt, PICTURE } from './scene.ts';

let video: FakeVideo;
let session: FaceSession | undefined;
beforeEach(() => {
  begin();
  video = new FakeVideo();
});
afterEach(async () => {
  session?.stop();
  await pass(10_000);
  video.off();
  expect(frames.open).toBe(0);
  session = undefined;
  finish();
});

const element = () => video as unknown as HTMLVideoElement;
const still = () => [
  { x: 300, y: 300, size: 120 },
  { x: 900, y: 320, size: 130 },
];
const walking = (seconds: number) => [{ x: 200 + 120 * seconds, y: 300, size: 120 }];

/** All numbers in it, but for their rounding. */
function near(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 6);
  if (Array.isArray(value)) return value.map(near);
  return Object.fromEntries(Object.entries(value as object).map(([name, one]) => [name, near(one)]));
}

function follow(engine: FakeEngine, options: Parameters<typeof followFaces>[2] = {}) {
  const results: VideoResult[] = [];
  session = followFaces(engine, element(), { onResult: (result) => results.push(result), ...options });
  return { session, results };
}

describe('a video', () => {
  it('is analysed one frame at a time, the newest, whose age stays below two analyses', async () => {
    const engine = new FakeEngine(still, 400);
    const { results } = follow(engine);
    await pass(220);
    expect([engine.under, frames.open]).toEqual([1, 0]); // a camera has its frame back before the answer
    await pass(7780);
    expect(results.length).toBeGreaterThan(17);
    expect(results[0]?.fps).toBe(0);
    expect(Math.min(...results.map(({ age }) => age))).toBeGreaterThanOrEqual(400);
    expect(Math.max(...results.map(({ age }) => age))).toBeLessThan(2 * 400);
    expect(frames.most).toBeLessThanOrEqual(2);
    for (const { faces } of results) expect(faces.map(({ id }) => id)).toEqual([1, 2]);
    const times = results.map(({ timestamp }) => timestamp);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(results.at(-1)?.fps).toBeCloseTo(2.5, 0);
  });

  it('without requestVideoFrameCallback is followed as well', async () => {
    const plain = new Proxy(video, {
      has: (target, name) => name !== 'requestVideoFrameCallback' && name in target,
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const results: VideoResult[] = [];
    session = followFaces(new FakeEngine(still, 100), plain as unknown as HTMLVideoElement, { onResult: (one) => results.push(one) });
    await pass(2000);
    expect(results.length).toBeGreaterThan(12);
    expect(results.at(-1)?.faces).toHaveLength(2);
  });

  it('is searched now and then; between, crops follow the landmarks, and labels are asked for less often', async () => {
    const engine = new FakeEngine(walking, 50);
    const { results } = follow(engine, { lookEvery: 1000, labelsEvery: 500 });
    await pass(5000);
    const looks = engine.calls.filter(({ kind }) => kind === 'look');
    expect(looks.length).toBeGreaterThanOrEqual(5);
    expect(looks.length).toBeLessThanOrEqual(8);
    expect(engine.calls.length).toBeGreaterThan(60);
    const labelled = engine.calls.filter(({ tasks }) => tasks.includes('age'));
    expect(labelled.length).toBeLessThan(18);
    const told = engine.calls.map(({ kind, tasks }) => [kind === 'look', tasks.includes('age')]);
    expect(results.map((result) => [result.looked, result.labelled])).toEqual(told.slice(0, results.length));
    expect(results.at(-1)?.faces[0]?.followed).toBe((results.at(-1)?.timestamp ?? 0) - (results[0]?.timestamp ?? 0));
    for (const { faces, timestamp, looked } of results) {
      expect(faces.map(({ id }) => id)).toEqual([1]);
      const [face] = faces;
      expect([!!face?.detected, !!face?.points]).toEqual([looked, looked]); // the detector's, which are elsewhere by then
      const centre = ((face?.place.x0 ?? 0) + (face?.place.x1 ?? 0)) / 2;
      expect(Math.abs(centre - (walking(timestamp / 1000)[0]?.x ?? 0))).toBeLessThan(12);
      expect((face?.place.x1 ?? 0) - (face?.place.x0 ?? 0)).toBeCloseTo(0.88 * 120, 0);
      expect(face?.gender?.label).toBe('male');
    }
    expect(results.at(-1)?.faces[0]?.velocity.x).toBeCloseTo(120, -1);
  });

  it('that stalls gives no results meanwhile, and goes on', async () => {
    const engine = new FakeEngine(still, 100);
    const { results } = follow(engine);
    await pass(1000);
    video.playing = false;
    await pass(500);
    const before = results.length;
    await pass(5000);
    expect(results.length).toBe(before);
    expect(engine.under).toBe(0);
    video.playing = true;
    await pass(1000);
    expect(results.length).toBeGreaterThan(before + 5);
    expect(results.at(-1)?.faces.map(({ id }) => id)).toEqual([1, 2]);
    expect(results.every(({ age }) => age < 250)).toBe(true);
  });

  it('that seeks or changes its size is searched anew', async () => {
    const engine = new FakeEngine(still, 50);
    const { results } = follow(engine, { lookEvery: 60_000 });
    await pass(1000);
    const looks = () => engine.calls.filter(({ kind }) => kind === 'look').length;
    expect(looks()).toBe(1);
    video.time += 30_000;
    await pass(500);
    expect(looks()).toBe(2);
    video.time = 0;
    await pass(500);
    expect(looks()).toBe(3);
    [video.videoWidth, video.videoHeight] = [1080, 1920]; // it was turned
    await pass(500);
    expect(looks()).toBe(4);
    expect(results.at(-1)).toMatchObject({ width: 1080, height: 1920 });
    for (const [name, side] of [
      ['videoWidth', 1200],
      ['videoHeight', 1900],
    ] as const) {
      const before = looks();
      video[name] = side;
      await pass(500);
      expect(looks()).toBe(before + 1);
    }
  });

  it('in which a face is missed tells of it once more, where it was going, and is searched soon; where there is none, too', async () => {
    const engine = new FakeEngine((seconds) => (seconds < 1.5 ? walking(seconds) : []), 20);
    const { results } = follow(engine);
    await pass(4000);
    const after = results.filter(({ timestamp }) => timestamp > 1500);
    const still = after.filter(({ faces }) => faces.length > 0);
    const [last] = still.slice(-1);
    expect([still.at(-1)?.faces[0]?.fresh, last?.faces[0]?.id]).toEqual([false, 1]);
    expect(last?.timestamp).toBeGreaterThan(1600);
    expect(last?.timestamp).toBeLessThan(1800);
    const [face] = last?.faces ?? [];
    const [{ x0, x1 } = { x0: 0, x1: 0 }, box = { x0: 0, x1: 0 }] = [face?.place, face?.box];
    expect(Math.abs(box.x0 + box.x1 - x0 - x1)).toBeLessThan(2);
    const searched = engine.calls.filter(({ kind, time }) => kind === 'look' && time > 2000).length;
    expect(searched).toBeGreaterThan(7);
    expect(searched).toBeLessThan(12);
    expect(after.length).toBeGreaterThan(60); // the frames between are told, too
    expect(after.filter(({ looked, labelled, timings }) => !looked && !labelled && !timings).length).toBeGreaterThan(40);
  });

  it('in which one of two is missed is searched soon, too; and all the time where landmarks lie elsewhere', async () => {
    const engine = new FakeEngine((seconds) => still().slice(seconds < 1.5 ? 0 : 1), 20);
    const { results } = follow(engine);
    await pass(4000);
    const last = results.findLast(({ faces }) => faces.length === 2);
    expect(last?.timestamp).toBeGreaterThan(1600);
    expect(last?.timestamp).toBeLessThan(1800);
    const other = new FakeEngine(still, 20);
    const analyze: FakeEngine['analyze'] = async (...asked) => {
      const analysis = await other.analyze(...asked);
      const faces = analysis.faces.map((face) => ({ ...face, landmarks: face.landmarks?.map(({ x, y }) => ({ x: x + 200, y })) ?? [] }));
      return { ...analysis, faces };
    };
    const lying = followFaces({ tasks: other.tasks, analyze }, element());
    await pass(2000);
    lying.stop();
    expect(other.calls.filter(({ kind }) => kind === 'look').length).toBeGreaterThan(8);
  });

  it.each([
    ['has ended: its last frame is looked at', { ended: true }, 'ended', 1],
    ['cannot be played', { error: { message: 'no such codec' }, readyState: 0 }, 'failed', 0],
    [
      'has no camera any more',
      { srcObject: { getVideoTracks: () => [Object.assign(new EventTarget(), { readyState: 'ended' })] } },
      'ended',
      0,
    ],
  ])('that %s when it is given ends the session', async (_, state, reason, looks) => {
    Object.assign(video, { playing: false, ...state });
    const { session, results } = follow(new FakeEngine(still, 50));
    await pass(500);
    expect(await Promise.race([session.ended, 'goes on'])).toMatchObject({ reason });
    expect(results).toHaveLength(looks);
  });

  it.each([{ readyState: 1 }, { videoWidth: 0, srcObject: { getVideoTracks: () => [] } }])(
    'that has no frame yet (%j) is waited for',
    async (state) => {
      const ready = { readyState: video.readyState, videoWidth: video.videoWidth };
      Object.assign(video, state);
      const engine = new FakeEngine(still, 50);
      follow(engine);
      await pass(500);
      expect(engine.calls).toEqual([]);
      Object.assign(video, ready);
      await pass(500);
      expect(engine.calls.length).toBeGreaterThan(3);
    },
  );

  it.each([
    [{ captureTime: -70 }, 70],
    [{ captureTime: -20_000, expectedDisplayTime: -30 }, 30],
    [{ captureTime: 5000, expectedDisplayTime: 5000 }, 0],
  ])('whose frames were taken at %j, before they are told of, has them as old as that, on a clock that can be', async (taken, old) => {
    video.tells = (now) => Object.fromEntries(Object.entries(taken).map(([name, time]) => [name, now + time]));
    const { results } = follow(new FakeEngine(still, 20));
    await pass(1000);
    for (const { age } of results.slice(1)) expect(Math.abs(age - old - 20)).toBeLessThan(15);
  });

  it.each([-1, 1])('out of which a face runs, however fast, is cut out in the picture alone (%d)', async (way) => {
    for (const [speed, takes] of [
      [300, 20],
      [3000, 20],
      [300, 400],
      [900, 400],
    ] as const) {
      const faults: string[] = [];
      const run = (seconds: number) =>
        [{ x: 640 + way * Math.max(0, speed * (seconds - 1.2)), y: 300, size: 120 }].filter(({ x }) => x > -20 && x < 1300);
      video.time = 0;
      const one = followFaces(new FakeEngine(run, takes), element(), { onFault: ({ message }) => faults.push(message) });
      await pass(6000);
      one.stop();
      expect(faults).toEqual([]);
      expect(one.latest?.faces).toEqual([]);
    }
  });

  it('whose results take longer than a face is remembered keeps its ids, and is still cut by a seek', async () => {
    const engine = new FakeEngine(still, 5000);
    const { results } = follow(engine);
    await pass(42_000);
    expect(results.length).toBeGreaterThan(6);
    for (const { faces } of results) expect(faces.map(({ id }) => id)).toEqual([1, 2]);
    expect(results.at(-1)?.fps).toBeCloseTo(0.2, 2);
    video.time += 60_000;
    await pass(12_000);
    expect(results.at(-1)?.faces.map(({ id }) => id)).toEqual([3, 4]);
  });

  it('that ends, or whose camera is unplugged, ends the session', async () => {
    const { session } = follow(new FakeEngine(still, 100));
    await pass(500);
    video.finish();
    await pass(500);
    expect(await session.ended).toEqual({ reason: 'ended' });
    expect(video.listeners).toBe(0);
    const track = new EventTarget();
    const unplugged = new FakeVideo();
    unplugged.srcObject = { getVideoTracks: () => [track] };
    const other = followFaces(new FakeEngine(still, 100), unplugged as unknown as HTMLVideoElement);
    await pass(500);
    expect(other.latest?.faces).toHaveLength(2);
    track.dispatchEvent(new Event('ended'));
    await pass(500);
    expect(await other.ended).toEqual({ reason: 'ended' });
    unplugged.off();
  });

  it('of which the app makes another camera goes on, whatever becomes of the first, until that one is unplugged', async () => {
    const tracks = [new EventTarget(), new EventTarget()] as const;
    const shown = new FakeVideo();
    shown.srcObject = { getVideoTracks: () => [tracks[0]] };
    const other = followFaces(new FakeEngine(still, 100), shown as unknown as HTMLVideoElement);
    await pass(500);
    shown.srcObject = { getVideoTracks: () => [tracks[1]] };
    shown.dispatchEvent(new Event('loadedmetadata'));
    tracks[0].dispatchEvent(new Event('ended'));
    const before = other.latest;
    await pass(500);
    expect(other.latest?.timestamp).toBeGreaterThan(before?.timestamp ?? 0);
    tracks[1].dispatchEvent(new Event('ended'));
    await pass(500);
    expect(await Promise.race([other.ended, 'goes on'])).toEqual({ reason: 'ended' });
    shown.off();
  });

  it('of which the browser plays the sound alone fails the session, at once or when it is known', async () => {
    for (const readyState of [4, 0]) {
      const sound = Object.assign(new FakeVideo(), { videoWidth: 0, videoHeight: 0, readyState });
      const silent = followFaces(new FakeEngine(still, 100), sound as unknown as HTMLVideoElement);
      await pass(100);
      expect(await Promise.race([silent.ended, 'goes on'])).toEqual(readyState ? expect.objectContaining({ reason: 'failed' }) : 'goes on');
      sound.readyState = 4;
      sound.dispatchEvent(new Event('loadeddata'));
      await pass(100);
      expect(await silent.ended).toMatchObject({ reason: 'failed', error: { code: 'BAD_PICTURE' } });
      sound.off();
    }
  });

  it('that cannot be played fails the session', async () => {
    const { session } = follow(new FakeEngine(still, 100));
    video.error = { message: 'no such codec' };
    video.dispatchEvent(new Event('error'));
    await pass(500);
    expect(await session.ended).toMatchObject({ reason: 'failed', error: { code: 'BAD_PICTURE' } });
  });
});

describe('landmarks', () => {
  const at = { x: 300, y: 300, size: 100 };
  const box = boxAt(at);

  it('put the box where the detector would draw it, which two looks say together', () => {
    const anchor = new Anchor();
    expect(anchor.place(landmarksOf(box), box)).toBeUndefined();
    const wide = { ...box, x0: box.x0 - 8, y1: box.y1 + 4 };
    anchor.set(landmarksOf(box), wide);
    for (const there of [at, { x: 320, y: 290, size: 120 }, { x: 280, y: 320, size: 80 }]) {
      const scale = there.size / at.size;
      const seen = boxAt(there);
      expect(anchor.place(landmarksOf(seen), box)).toEqual(near({ ...seen, x0: seen.x0 - 8 * scale, y1: seen.y1 + 4 * scale }));
    }
    anchor.set(landmarksOf(box), box);
    expect(anchor.place(landmarksOf(box), box)).toEqual(near({ ...box, x0: box.x0 - 0.7 * 8, y1: box.y1 + 0.7 * 4 }));
  });

  it.each([
    ['lie elsewhere', { ...at, x: 340 }],
    ['are of a larger face', { ...at, size: 140 }],
    ['are of a smaller face', { ...at, size: 70 }],
  ])('that %s are not believed, where a crop is, and until two looks agree again', (_, other) => {
    const anchor = new Anchor();
    anchor.set(landmarksOf(box), box);
    expect(anchor.place(landmarksOf(boxAt(other)), box)).toBeUndefined();
    for (const trusted of [false, true]) {
      anchor.set(landmarksOf(boxAt(other)), box);
      expect(anchor.trusted).toBe(trusted);
    }
  });

  it.each([
    { ...at, x: 360 },
    { ...at, size: 40 },
    { ...at, size: 260 },
  ])('that are not in the face that was detected are never: %j', (other) => {
    const anchor = new Anchor();
    anchor.set(landmarksOf(box), box);
    for (let look = 0; look < 2; look++) anchor.set(landmarksOf(boxAt(other)), box);
    expect(anchor.place(landmarksOf(box), box)).toBeUndefined();
    anchor.set(landmarksOf(box), box);
    expect(anchor.place(landmarksOf(box), box)).toEqual(near(box));
  });
});

describe('what goes wrong with a frame', () => {
  it('is told, and the session goes on: a detector that throws leaves the faces that are followed', async () => {
    const engine = new FakeEngine(still, 50);
    const faults: string[] = [];
    const { results } = follow(engine, { onFault: ({ code, message }) => faults.push(`${code} ${message}`), lookEvery: 500 });
    await pass(400);
    engine.fault = ({ kind }) => (kind === 'look' ? new TypeError('the detector is broken') : undefined);
    await pass(4000);
    expect(faults.length).toBeGreaterThan(2);
    expect(faults[0]).toContain('the detector is broken');
    expect(engine.calls.filter(({ kind, time }) => kind === 'crops' && time > 2000).length).toBeGreaterThan(20);
    expect(results.at(-1)?.faces.map(({ id }) => id)).toEqual([1, 2]);
    engine.fault = undefined;
    await pass(1000);
    expect(results.at(-1)?.faces.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('that does not pass ends the session, at once or after a while', async () => {
    const engine = new FakeEngine(still, 50);
    const { session } = follow(engine);
    await pass(300);
    engine.fault = () => new FaceXFormerError('WORKER_FAILED', 'the worker died');
    await pass(300);
    expect(await session.ended).toMatchObject({ reason: 'failed', error: { code: 'WORKER_FAILED' } });
    const lost = new FakeEngine(still, 50);
    lost.fault = () => new FaceXFormerError('DEVICE_LOST', 'gone');
    const waits = followFaces(lost, element());
    await pass(20_000);
    expect(lost.calls.length).toBeLessThan(30);
    lost.fault = undefined;
    await pass(3000);
    expect(waits.latest?.faces).toHaveLength(2);
    lost.fault = () => new FaceXFormerError('DEVICE_LOST', 'gone');
    await pass(60_000);
    expect(await waits.ended).toMatchObject({ reason: 'failed', error: { code: 'DEVICE_LOST' } });
  });

  it('now and then ends no session, however long it goes on', async () => {
    const engine = new FakeEngine(still, 400);
    const { session } = follow(engine);
    engine.fault = ({ time }) => (time % 10_000 < 1000 ? new Error('now and then') : undefined);
    await pass(70_000);
    expect(session.latest?.timestamp).toBeGreaterThan(69_000);
  });

  it('of what hears of results ends the session', async () => {
    const thrown = new Error('mine');
    const onResult = () => {
      throw thrown;
    };
    const { session } = follow(new FakeEngine(still, 50), { onResult });
    await pass(500);
    expect(await session.ended).toEqual({ reason: 'failed', error: thrown });
  });

  it('of an app that shares the engine is no fault', async () => {
    const engine = new FakeEngine(still, 50);
    const faults: unknown[] = [];
    follow(engine, { onFault: (error) => faults.push(error) });
    let calls = 0;
    engine.fault = () => (calls++ % 2 ? new FaceXFormerError('BUSY', 'a newer one') : undefined);
    await pass(1000);
    expect(session?.latest?.faces).toHaveLength(2);
    expect(faults).toEqual([]);
  });
});

describe('a session', () => {
  it('is stopped by stop() and by its signal; what is under way is aborted', async () => {
    const stop = new AbortController();
    const faults: unknown[] = [];
    const { session, results } = follow(new FakeEngine(still, 400), { signal: stop.signal, onFault: (error) => faults.push(error) });
    await pass(1000);
    stop.abort();
    await pass(1000);
    expect(faults).toEqual([]);
    expect(await session.ended).toEqual({ reason: 'stopped' });
    const { length } = results;
    session.stop();
    await pass(2000);
    expect(results.length).toBe(length);
    expect(video.listeners).toBe(0);
    expect(await followFaces(new FakeEngine(still), element(), { signal: AbortSignal.abort() }).ended).toEqual({ reason: 'stopped' });
  });

  it('rests while it is paused or the page is hidden', async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
    vi.stubGlobal('document', page);
    const engine = new FakeEngine(still, 50);
    const { session, results } = follow(engine);
    await pass(500);
    const seen = async (milliseconds: number) => {
      const before = engine.calls.length;
      await pass(milliseconds);
      return engine.calls.length - before;
    };
    session.pause();
    await pass(200);
    expect(await seen(2000)).toBe(0);
    session.resume();
    expect(await seen(1000)).toBeGreaterThan(8);
    page.visibilityState = 'hidden';
    await pass(200);
    expect(await seen(1000)).toBe(0);
    const other = new FakeEngine(still, 50);
    const goesOn = followFaces(other, element(), { pauseHidden: false });
    await pass(1000);
    expect(other.calls.length).toBeGreaterThan(8);
    goesOn.stop();
    video.unheard = true;
    expect(await seen(5000)).toBe(0);
    page.visibilityState = 'visible';
    video.unheard = false;
    page.dispatchEvent(new Event('visibilitychange'));
    expect(await seen(1000)).toBeGreaterThan(8);
    for (const { age } of results) expect(age).toBeLessThan(150); // that of the first frame after a rest too
    const times = results.map(({ timestamp }) => timestamp);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('gives its results to whoever iterates, the newest of them, and the fault that it failed of', async () => {
    const engine = new FakeEngine(still, 50);
    const { session } = follow(engine);
    const ages: number[] = [];
    const iterating = (async () => {
      for await (const { age } of session) {
        ages.push(age);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    })();
    const failed = iterating.catch((error: { code?: string }) => error.code);
    await pass(3000);
    expect(ages.length).toBeGreaterThan(7);
    expect(ages.length).toBeLessThan(12);
    engine.fault = () => new FaceXFormerError('DISPOSED', 'gone');
    await pass(1000);
    expect(await failed).toBe('DISPOSED');
  });

  it('forgets who was there when it is told to, and gives no id twice', async () => {
    const faults: unknown[] = [];
    const { session, results } = follow(new FakeEngine(still, 400, true), { onFault: (error) => faults.push(error) });
    await pass(1000);
    const { length } = results;
    session.reset();
    expect(session.next()).toEqual([]);
    await pass(350);
    expect([results.length, faults]).toEqual([length, []]); // of the frame before nothing
    await pass(1000);
    expect(session.latest?.faces.map(({ id }) => id)).toEqual([3, 4]);
    expect(session.latest?.faces[0]?.followed).toBeLessThan(1300);
  });

  it('knows a face again that comes back, where the weights do', async () => {
    const away = (seconds: number) =>
      seconds > 1 && seconds < 6
        ? []
        : seconds < 3
          ? still()
          : [
              { x: 600, y: 500, size: 120 },
              { x: 200, y: 420, size: 130 },
            ];
    const { session } = follow(new FakeEngine(away, 50, true));
    await pass(9000);
    expect(session.latest?.faces.map(({ id }) => id).sort()).toEqual([1, 2]);
    const left = session.latest?.faces.find(({ place }) => place.x0 < 300);
    expect(left?.id).toBe(2);
    video.time += 60_000;
    await pass(500);
    expect(session.latest?.faces.map(({ id }) => id).sort()).toEqual([1, 2]);
    session.stop();
    video.time = 0;
    const forgets = followFaces(new FakeEngine(away, 50, true), element(), { recall: 1000 });
    await pass(9000);
    expect(forgets.latest?.faces.map(({ id }) => id).sort()).toEqual([3, 4]);
    forgets.stop();
  });

  it.each([
    [{}, { looks: [2, 3], labels: 'always', lag: 1 }],
    [
      { smooth: false, labelsEvery: 400, lookEvery: 5000 },
      { looks: [1, 1], labels: 'seldom', lag: 0 },
    ],
    [
      { tasks: ['age'], maxFaces: 2 },
      { looks: [9, 11], labels: 'always', lag: undefined },
    ],
    [
      { tasks: ['age'], lookEvery: 100, crop: 'square' },
      { looks: [15, 21], labels: 'always', lag: undefined },
    ],
  ] as const)('asks for what it was told: %j', async (options, { looks: [least, most], labels, lag }) => {
    const engine = new FakeEngine(walking, 20);
    const { results } = follow(engine, options);
    await pass(2000);
    const looks = engine.calls.filter(({ kind }) => kind === 'look');
    expect(looks.length).toBeGreaterThanOrEqual(least);
    expect(looks.length).toBeLessThanOrEqual(most);
    const { maxFaces, crop } = { maxFaces: undefined, crop: undefined, ...options };
    expect([looks[0]?.options.maxFaces, looks[0]?.options.crop]).toEqual([maxFaces, crop]);
    const labelled = engine.calls.filter(({ tasks }) => tasks.includes('age')).length;
    expect(Math.round((10 * labelled) / engine.calls.length)).toBe(labels === 'always' ? 10 : 1);
    const [box] = (engine.calls.findLast(({ kind }) => kind === 'crops')?.options.boxes ?? []) as Box[];
    if (box) expect((box.y1 - box.y0) / (box.x1 - box.x0)).toBeCloseTo(crop ? 1 : 1.12 / 0.88, 1);
    const { timestamp = 0, faces = [] } = results.at(-1) ?? {};
    const drawn = faces[0]?.landmarks?.reduce((sum, { x }) => sum + x / 68, 0);
    const truth = landmarksOf(boxAt(walking(timestamp / 1000)[0] as { x: number; y: number; size: number }));
    const behind = drawn && truth.reduce((sum, { x }) => sum + x / 68, 0) - drawn;
    if (lag === undefined) expect(behind).toBeUndefined();
    else expect(Math.abs(behind ?? 99) > 0.1).toBe(lag > 0);
  });

  it('draws faces where they are now, without jumps, and mirrored where that is asked for', async () => {
    const { session } = follow(new FakeEngine(walking, 200));
    await pass(2000);
    const centres: number[] = [];
    for (let i = 0; i < 120; i++) {
      await pass(16);
      const [face] = session.next();
      const centre = ((face?.place.x0 ?? 0) + (face?.place.x1 ?? 0)) / 2;
      centres.push(centre);
      expect(Math.abs(centre - (walking(video.time / 1000)[0]?.x ?? 0))).toBeLessThan(20);
    }
    const steps = centres.slice(1).map((x, i) => x - (centres[i] as number));
    expect(Math.max(...steps)).toBeLessThan(8); // 1.9 pixels a step are its speed
    expect(Math.min(...steps)).toBeGreaterThan(-4);
    session.stop();
    const turned = followFaces(new FakeEngine(walking, 100), element(), { mirror: true });
    await pass(1000);
    const x = walking((turned.latest?.timestamp ?? 0) / 1000)[0]?.x ?? 0;
    const place = turned.latest?.faces[0]?.place;
    expect(Math.abs(1280 - x - ((place?.x0 ?? 0) + (place?.x1 ?? 0)) / 2)).toBeLessThan(12);
    expect(turned.next()[0]?.velocity.x).toBeLessThan(0);
    turned.stop();
  });

  it('draws no face farther back than it was, for a time before its last result came: that of the animation frame that is drawn', async () => {
    const glide = new Glide();
    const at = (x: number) => ({
      id: 1,
      place: { x0: x, y0: 0, x1: x + 9, y1: 9 },
      box: { x0: x, y0: 0, x1: x + 9, y1: 9 },
      velocity: { x: 0, y: 0 },
    });
    for (const now of [0, 20]) glide.take([at(5 * now) as TrackedFace], { taken: now, now });
    expect([10, 20, 30, 40].map((now) => glide.at(now)[0]?.place.x0)).toEqual([0, 0, 50, 100]);
    const { session } = follow(new FakeEngine(still, 50));
    await pass(500);
    expect(await codeOf(() => session.next(Number.NaN))).toBe('BAD_OPTION');
  });

  it('draws all of a face between two results: from where it was drawn to where it is, and is going for 0.4 s', () => {
    const parts = (x: number, y: number, size: number, { wide, whole }: Record<'wide' | 'whole', number>) => ({
      place: boxAt({ x, y, size }),
      landmarks: landmarksOf(boxAt({ x, y, size })),
      box: boxAt({ x, y, size: wide }),
      detected: boxAt({ x, y, size: whole }),
      points: landmarksOf(boxAt({ x, y, size: whole })).slice(0, 5),
    });
    const glide = new Glide();
    const first = { id: 1, velocity: { x: 0, y: 0 }, ...parts(300, 200, 100, { wide: 150, whole: 100 }) };
    const second = { id: 1, velocity: { x: 100, y: 50 }, ...parts(320, 240, 120, { wide: 180, whole: 120 }) };
    glide.take([first] as unknown as TrackedFace[], { taken: 0, now: 0 });
    glide.take([second] as unknown as TrackedFace[], { taken: 50, now: 100 });
    for (const [now, left, ahead] of [
      [100, 1, 0.05],
      [150, 0.5, 0.1],
      [200, 0, 0.15],
      [900, 0, 0.4],
    ] as const) {
      const there = parts(320 + 100 * ahead - 25 * left, 240 + 50 * ahead - 42.5 * left, 120 - 20 * left, { wide: 180, whole: 120 });
      expect(glide.at(now), `${now} ms`).toEqual([near({ ...second, ...there })]);
    }
  });

  it('is not begun with what has no meaning', () => {
    const engine = new FakeEngine(still);
    const codeOf = (begin: () => unknown) => {
      try {
        begin();
        return 'none';
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(codeOf(() => followFaces(engine, 7 as never))).toBe('BAD_OPTION');
    expect(codeOf(() => followFaces(engine, element(), { tasks: ['race'] }))).toBe('UNKNOWN_TASK');
    expect(codeOf(() => followFaces(engine, element(), { lookEvery: -1 }))).toBe('BAD_OPTION');
    expect(codeOf(() => followFaces(engine, element(), { maxFaces: 0 }))).toBe('BAD_OPTION');
    for (const alike of [50, -1.5, Number.NaN, '0.5' as never]) // in percent nobody would ever be known again
      expect(codeOf(() => followFaces(engine, element(), { alike }))).toBe('BAD_OPTION');
    expect(codeOf(() => followFaces(engine, new Blob(['x'])))).toBe('BAD_OPTION'); // no document here
    const sound = { [Symbol.toStringTag]: 'MediaStream', getVideoTracks: () => [] };
    expect(() => followFaces(engine, sound as unknown as MediaStream)).toThrow(/stream has no video track/);
  });
});

describe('frames', () => {
  const stream = (count: number, every = 33) => {
    let timer: ReturnType<typeof setInterval>;
    let made = 0;
    return new ReadableStream<VideoFrame>(
      {
        start(controller) {
          timer = setInterval(() => {
            if (made === count) {
              clearInterval(timer);
              controller.close();
            } else controller.enqueue(new FakeFrame({ timestamp: 33_000 * made++ }) as unknown as VideoFrame);
          }, every);
        },
        cancel: () => clearInterval(timer),
      },
      { highWaterMark: 0 },
    );
  };

  it('of a stream are the newest; the others are closed at once', async () => {
    const engine = new FakeEngine(still, 200);
    session = followFaces(engine, stream(100));
    await pass(2000);
    expect(frames.open).toBeLessThanOrEqual(3);
    expect(session.latest?.age).toBeLessThan(400);
    await pass(3000);
    expect(await session.ended).toEqual({ reason: 'ended' });
    expect(engine.calls.length).toBeLessThan(25);
    expect([frames.made > 100, frames.open]).toEqual([true, 0]);
  });

  it('of an iterable are all analysed, one after the other', async () => {
    const engine = new FakeEngine(still, 200);
    async function* all() {
      for (let i = 0; i < 12; i++) yield new FakeFrame({ timestamp: 33_000 * Math.max(1, i) }) as unknown as VideoFrame;
    }
    session = followFaces(engine, all());
    await pass(5000);
    expect(await session.ended).toEqual({ reason: 'ended' });
    expect(engine.calls.map(({ time }) => Math.round(time))).toEqual(Array.from({ length: 12 }, (_, i) => 33 * Math.max(1, i)));
    expect(session.latest?.faces.map(({ id }) => id)).toEqual([1, 2]); // of a moment that comes twice, too
    for await (const { timestamp } of session) expect(timestamp).toBe(33 * 11);
    expect(frames.most).toBeLessThanOrEqual(2);
  });

  it.each([
    ['slow', still, 400],
    ['quick, of frames in which nothing has to be analysed', () => [], 0],
  ] as const)(
    'of an iterable have a result each for whoever iterates, however %s: the next is looked at when it was taken',
    async (_, scene, wait) => {
      const engine = new FakeEngine(scene as typeof still, 50);
      async function* all() {
        for (let i = 1; i <= 12; i++) yield new FakeFrame({ timestamp: 33_000 * i }) as unknown as VideoFrame;
      }
      session = followFaces(engine, all());
      const times: number[] = [];
      let heard = 0;
      const iterating = (async () => {
        for await (const { timestamp } of session) {
          times.push(Math.round(timestamp));
          if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
          heard++;
        }
      })();
      await pass(1000);
      if (wait > 0) expect(engine.calls.length).toBeLessThanOrEqual(heard + 2);
      await pass(6000);
      await iterating;
      expect(times).toEqual(Array.from({ length: 12 }, (_, i) => 33 * (i + 1)));
    },
  );

  it('of an iterable wait for nobody who has left, or that does not come back when the session is stopped', async () => {
    async function* all() {
      for (let i = 1; ; i++) yield new FakeFrame({ timestamp: 33_000 * i }) as unknown as VideoFrame;
    }
    session = followFaces(new FakeEngine(still, 50), all());
    const left = (async () => {
      for await (const { timestamp } of session) if (timestamp > 60) break;
    })();
    await pass(1000);
    await left;
    expect(session.latest?.timestamp).toBeGreaterThan(300);
    const reader = session[Symbol.asyncIterator]();
    await reader.next();
    await pass(1000);
    session.stop();
    await pass(100);
    expect(await session.ended).toEqual({ reason: 'stopped' });
  });

  it('that do not come, or are not answered, keep no session from being stopped', async () => {
    const never = new Promise<never>(() => {});
    async function* all() {
      yield new FakeFrame({ timestamp: 0 }) as unknown as VideoFrame;
      await never;
    }
    for (const engine of [new FakeEngine(still, 50), { tasks: ['landmarks'] as const, analyze: () => never }]) {
      session = followFaces(engine, all());
      await pass(500);
      session.stop();
      await pass(0);
      expect(await Promise.race([session.ended, 'not ended'])).toEqual({ reason: 'stopped' });
    }
  });

  it('are asked for no more once the session is stopped, which their giver is told; one that comes late is closed', async () => {
    const told: string[] = [];
    function* iterable() {
      try {
        for (;;) yield new FakeFrame({});
      } finally {
        told.push('iterable');
      }
    }
    async function* late() {
      await new Promise((resolve) => setTimeout(resolve, 700));
      yield new FakeFrame({});
    }
    const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new FakeFrame({}));
    const endless = new ReadableStream({ pull, cancel: () => void told.push('stream') }, { highWaterMark: 0 });
    for (const source of [iterable(), endless, late()]) {
      const one = followFaces(new FakeEngine(still, 50), source as never);
      await pass(500);
      one.stop();
      await pass(500);
      expect(frames.open).toBe(0);
    }
    expect(told).toEqual(['iterable', 'stream']);
  });

  it('of which the newest are wanted leave time for others, though they never end', async () => {
    function* all() {
      for (;;) yield new FakeFrame({}) as unknown as VideoFrame;
    }
    const engine = new FakeEngine(still, 50);
    session = followFaces(engine, all(), { frames: 'newest' });
    await pass(500);
    expect(engine.calls.length).toBeGreaterThan(2);
  });

  it('that are files, as cameras on a network send them, are decoded', async () => {
    const decoded = vi.fn(async (_: Blob) => new FakeFrame({ timestamp: 0 }));
    vi.stubGlobal('createImageBitmap', decoded);
    const engine = new FakeEngine(still, 50);
    session = followFaces(engine, [new Blob(['a']), new Blob(['b'])]);
    await pass(500);
    expect(await session.ended).toEqual({ reason: 'ended' });
    expect([decoded.mock.calls.length, engine.calls.length, session.latest?.faces.length]).toEqual([2, 2, 2]);
  });

  it('that are image elements have the size of their pixels, of which `srcset` may say that they are dense', async () => {
    vi.stubGlobal('createImageBitmap', async () => new FakeFrame({ timestamp: 0 }));
    const dense = { [Symbol.toStringTag]: 'HTMLImageElement', naturalWidth: PICTURE.width / 2, naturalHeight: PICTURE.height / 2 };
    session = followFaces(new FakeEngine(still, 50), [dense as never]);
    await pass(500);
    expect(session.latest).toMatchObject(PICTURE);
    expect(session.latest?.faces).toHaveLength(2);
  });

  it('that are bitmaps are closed when they were looked at, not before', async () => {
    const close = vi.fn();
    session = followFaces(new FakeEngine(still, 100), [{ [Symbol.toStringTag]: 'ImageBitmap', width: 9, height: 9, close } as never]);
    await pass(50);
    expect(close).not.toHaveBeenCalled();
    await pass(500);
    expect(close).toHaveBeenCalled();
  });

  it('that end with an error fail the session', async () => {
    async function* all() {
      yield new FakeFrame({ timestamp: 0 }) as unknown as VideoFrame;
      throw new Error('the decoder is broken');
    }
    session = followFaces(new FakeEngine(still, 50), all());
    await pass(500);
    expect(await session.ended).toMatchObject({ reason: 'failed', error: { code: 'BAD_PICTURE' } });
  });
});
