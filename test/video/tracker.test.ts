/** Ids on generated videos of 30 frames a second. */
import { describe, expect, it } from 'vitest';
import { Tracker } from '../../src/video/tracker.ts';
import { boxAt, FRAME, type Person, PICTURE, random, type Seen, scene } from './scene.ts';

/** The ids that each person had, in their order. */
function idsOf(people: readonly Person[], seconds: number, seed: number, { missed = 0, every = 1 } = {}): Record<string, number[]> {
  const tracker = new Tracker();
  const ids: Record<string, number[]> = {};
  let frame = 0;
  for (const { time, seen } of scene(people, seconds, seed, missed)) {
    if (frame++ % every !== 0) continue;
    const tracks = tracker.update(
      seen.map(({ box }) => box),
      time,
      PICTURE,
    );
    tracks.forEach(({ id }, i) => {
      const { name, merged } = seen[i] as Seen;
      if (merged) return;
      const had = ids[name] ?? [];
      ids[name] = had.includes(id) ? had : [...had, id];
    });
  }
  return ids;
}

const walker = (name: string, x: number, y: number, size: number, speed: number, hidden: readonly [number, number] = [-1, -1]): Person => ({
  name,
  at: (seconds) =>
    seconds >= hidden[0] && seconds < hidden[1] ? undefined : { x: x + speed * seconds, y: y + 4 * Math.sin(9 * seconds), size },
});

const SEEDS = Array.from({ length: 25 }, (_, i) => i + 1);
const allOf = (ids: Record<string, number[]>): number[] => Object.values(ids).flat();

describe('ids last', () => {
  it.each([
    ['that stands', 0],
    ['that walks', 180],
    ['that runs', 420],
  ])('through a second behind something, of a face %s', (_, speed) => {
    for (const seed of SEEDS) expect(idsOf([walker('a', 100, 300, 120, speed, [1, 2])], 2.6, seed), `seed ${seed}`).toEqual({ a: [1] });
  });

  it('of a walker who stops behind something', () => {
    const stopper: Person = {
      name: 'a',
      at: (seconds) => (seconds >= 1 && seconds < 2 ? undefined : { x: 200 + 150 * Math.min(seconds, 1.3), y: 300, size: 120 }),
    };
    for (const seed of SEEDS) expect(idsOf([stopper], 3, seed), `seed ${seed}`).toEqual({ a: [1] });
  });

  it.each([
    ['the nearer hides the farther', 130, 110],
    ['both are seen all along', 120, 120],
  ])('of two faces that cross: %s', (_, one, other) => {
    for (const seed of SEEDS)
      for (const speed of [120, 300, 600]) {
        const people = [walker('a', 640 - 1.2 * speed, 300, one, speed), walker('b', 640 + 1.2 * speed, 305, other, -speed)];
        const ids = idsOf(people, 2.4, seed);
        expect([ids['a']?.length, ids['b']?.length], `seed ${seed}, ${speed} pixels a second`).toEqual([1, 1]);
        expect(ids['a']).not.toEqual(ids['b']);
      }
  });

  it('of eight faces, of which a detector misses every tenth', () => {
    const people = Array.from({ length: 8 }, (_, i) => walker(`p${i}`, 120 + 300 * (i % 4), i < 4 ? 200 : 480, 90 + 5 * i, 8 * (i - 4)));
    for (const seed of SEEDS) {
      const ids = idsOf(people, 4, seed, { missed: 0.1 });
      expect(new Set(allOf(ids)).size, `seed ${seed}`).toBe(8);
      expect(allOf(ids)).toHaveLength(8);
    }
  });

  it.each([3, 6, 10])('where every %d. frame is looked at', (every) => {
    const people = [walker('a', 100, 250, 110, 200), walker('b', 900, 300, 120, -60)];
    for (const seed of SEEDS) {
      const ids = idsOf(people, 3, seed, { every });
      expect([ids['a']?.length, ids['b']?.length], `seed ${seed}`).toEqual([1, 1]);
    }
  });
});

it.each([
  ['left', { x: -20, y: 300 }],
  ['right', { x: 1300, y: 300 }],
  ['upper', { x: 640, y: -15 }],
  ['lower', { x: 640, y: 735 }],
])('a face that the %s edge cuts in half keeps its id for as long as it is seen, and none after it has left', (_, { x, y }) => {
  const tracker = new Tracker();
  const ids = Array.from(
    { length: 60 },
    (_, i) => tracker.update([boxAt({ x, y, size: 120 + 2 * Math.sin(i) })], i * FRAME, PICTURE)[0]?.id,
  );
  expect(new Set(ids)).toEqual(new Set([1]));
  tracker.update([], 60 * FRAME, PICTURE);
  expect(tracker.tracks).toEqual([]);
});

it('of one who walks past where another is hidden, nine of ten are not taken for that one', () => {
  const wrong = SEEDS.flatMap((seed) =>
    [90, 150, 300].filter((speed) => {
      const passes = 1 + (seed % 7) / 10;
      const people = [walker('a', 640, 300, 120, 0, [1, 9]), walker('b', 640 - speed * passes, 325, 118, speed)];
      const ids = idsOf(people, 2.9, seed, { every: 6 });
      return ids['a']?.length !== 1 || ids['b']?.length !== 1;
    }),
  );
  expect(wrong.length).toBeLessThan((SEEDS.length * 3) / 10);
});

it.each([
  [33, 0.6, 1],
  [33, 1, 2],
  [400, 1, 1],
  [400, 2, 2],
  [1900, 2.2, 1],
  [1900, 2.8, 2],
])('after %d ms a face may be found %d of its sizes farther, and is track %d', (time, sizes, id) => {
  const tracker = new Tracker();
  const at = (x: number, time: number) => tracker.update([boxAt({ x, y: 300, size: 100 })], time, PICTURE)[0]?.id;
  at(300, 0);
  expect(at(300 + 100 * sizes, time)).toBe(id);
});

describe('looks that lie farther apart than a face is remembered', () => {
  it.each([3, 8, 20])('%d seconds: eight faces that stay keep their ids', (seconds) => {
    const people = Array.from({ length: 8 }, (_, i) => walker(`p${i}`, 120 + 300 * (i % 4), i < 4 ? 200 : 480, 90 + 5 * i, 0));
    for (const seed of SEEDS.slice(0, 5)) {
      const ids = idsOf(people, 6 * seconds, seed, { every: 30 * seconds });
      expect(allOf(ids).sort(), `seed ${seed}`).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  it('end who is not looked for either, once that long, or who has walked out of the picture, but not who was there in the frame before', () => {
    const tracker = new Tracker();
    const ids = (time: number) => tracker.predict(time, PICTURE).map(({ id }) => id);
    const at = (x: number, time: number) => [boxAt({ x, y: 300, size: 100 }), boxAt({ x: 1100 + time / 5, y: 300, size: 100 })];
    for (const time of [0, 100, 200, 300]) tracker.update(at(300, time), time, PICTURE);
    expect([ids(600), ids(700), ids(1200), ids(1250)]).toEqual([[1, 2], [1, 2], [1, 2], [1]]);
    expect([ids(2299), ids(2301), ids(2400)]).toEqual([[1], [1], []]);
  });

  it('end nobody who was on the way out, and is still at the edge when it is looked for', () => {
    const tracker = new Tracker();
    const at = (x: number, time: number) => tracker.update([boxAt({ x, y: 300, size: 100 })], time, PICTURE).map(({ id }) => id);
    for (const time of [0, 100, 200, 300]) at(1070 + 0.3 * time, time);
    for (const time of [400, 800]) tracker.predict(time, PICTURE);
    expect(at(1230, 800)).toEqual([1]);
  });

  it('end a face that is not there when it is looked for, and only that', () => {
    const tracker = new Tracker();
    const [one, other] = [
      { x0: 100, y0: 100, x1: 200, y1: 220 },
      { x0: 800, y0: 300, x1: 900, y1: 420 },
    ];
    tracker.update([one, other], 0, PICTURE);
    expect(tracker.predict(9000, PICTURE).map(({ id }) => id)).toEqual([1, 2]);
    expect(tracker.update([other], 9000, PICTURE).map(({ id }) => id)).toEqual([2]);
    expect(tracker.tracks.map(({ id }) => id)).toEqual([2]);
    expect(tracker.update([one, other], 18_000, PICTURE).map(({ id }) => id)).toEqual([3, 2]);
  });
});

describe('a new face has a new id', () => {
  it.each([
    ['at the other side', (t: number) => ({ x: -60 + 300 * (t - 1), y: 320, size: 118 })],
    ['through the same door', (t: number) => ({ x: 1340 - 300 * (t - 1), y: 320, size: 118 })],
  ])('one leaves and another enters %s', (_, enter) => {
    const leaves: Person = { name: 'leaves', at: (t) => (t < 2 ? { x: 900 + 300 * t, y: 300, size: 120 } : undefined) };
    const enters: Person = { name: 'enters', at: (t) => (t < 1 ? undefined : enter(t)) };
    const stays = walker('stays', 500, 350, 100, 0);
    for (const seed of SEEDS) {
      const ids = idsOf([leaves, enters, stays], 3, seed);
      expect(
        Object.values(ids).map(({ length }) => length),
        `seed ${seed}`,
      ).toEqual([1, 1, 1]);
      expect(new Set(allOf(ids)).size).toBe(3);
    }
  });

  it('elsewhere in the picture, while another is hidden', () => {
    const hidden = walker('hidden', 200, 300, 120, 0, [1, 9]);
    const enters: Person = { name: 'enters', at: (t) => (t < 1.2 ? undefined : { x: 900, y: 300, size: 120 }) };
    for (const seed of SEEDS) expect(idsOf([hidden, enters], 2, seed)).toEqual({ hidden: [1], enters: [2] });
  });
});

describe('a face that comes back', () => {
  const embedding = (seed: number): Float32Array => {
    const uniform = random(seed);
    return Float32Array.from({ length: 64 }, () => uniform() - 0.5);
  };
  const here = { x0: 100, y0: 100, x1: 200, y1: 220 };
  const there = { x0: 800, y0: 300, x1: 900, y1: 420 };

  it('is known by its embedding after minutes, elsewhere, and keeps when it was seen first', () => {
    const tracker = new Tracker();
    const [first] = tracker.update([here], 0, PICTURE);
    tracker.recognise(first?.id ?? 0, embedding(1));
    tracker.update([], 5000, PICTURE);
    expect(tracker.tracks).toEqual([]);
    const [stranger, back] = tracker.update([here, there], 100_000, PICTURE);
    expect([stranger?.id, back?.id]).toEqual([2, 3]);
    expect(tracker.recognise(2, embedding(2))).toBe(2);
    expect(tracker.recognise(3, embedding(1))).toBe(1);
    expect(tracker.tracks.map(({ id, first }) => [id, first])).toEqual([
      [2, 100_000],
      [1, 0],
    ]);
    expect(tracker.update([there, here], 100_033, PICTURE).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('is not, once forgotten', () => {
    const tracker = new Tracker({ recall: 60_000 });
    tracker.update([here], 0, PICTURE);
    tracker.recognise(1, embedding(1));
    tracker.update([], 100_000, PICTURE);
    expect(tracker.update([here], 100_033, PICTURE)[0]?.id).toBe(2);
    expect(tracker.recognise(2, embedding(1))).toBe(2);
    tracker.reset();
    expect(tracker.update([here], 0, PICTURE)[0]?.id).toBe(3);
    expect(tracker.recognise(3, embedding(1))).toBe(3);
  });

  it('is not by an embedding of no direction, which is refused when it is given', () => {
    const tracker = new Tracker();
    tracker.update([here], 0, PICTURE);
    for (const wrong of [Float32Array.of(Number.NaN, 1), new Float32Array(2)])
      expect(() => tracker.recognise(1, wrong)).toThrow(/An embedding must be finite numbers that are not all zero/);
    expect(() => tracker.recognise(1, undefined as never)).toThrow(/An embedding must be a list of numbers/);
    expect(tracker.tracks[0]?.embedding).toBeUndefined();
  });

  it('is none that has no embedding, or that of another network, however little alike suffices', () => {
    const tracker = new Tracker({ alike: -1 });
    tracker.update([here, there], 0, PICTURE);
    tracker.recognise(2, Float32Array.of(1));
    tracker.update([], 1000, PICTURE);
    const [{ id } = { id: 0 }] = tracker.update([{ x0: 400, y0: 500, x1: 500, y1: 620 }], 1033, PICTURE);
    expect([id, tracker.recognise(id, embedding(1))]).toEqual([3, 3]);
    tracker.end(3);
    expect(tracker.tracks.map((track) => track.id)).toEqual([1, 2]);
  });

  it('is known while it is still looked for where it was, and is then nowhere else', () => {
    const tracker = new Tracker();
    tracker.update([here], 0, PICTURE);
    tracker.recognise(1, embedding(1));
    expect(tracker.update([there], 100, PICTURE)[0]?.id).toBe(2);
    expect(tracker.recognise(2, embedding(1))).toBe(1);
    expect(tracker.tracks.map(({ id, box }) => [id, box.x0])).toEqual([[1, there.x0]]);
  });

  it('is known after a cut, behind which nobody is followed, unless all was to be forgotten; and once', () => {
    for (const [everything, ids] of [
      [false, [1, 3]],
      [true, [2, 3]],
    ] as const) {
      const tracker = new Tracker();
      tracker.update([here], 0, PICTURE);
      tracker.recognise(1, embedding(1));
      tracker.reset({ everything });
      expect(tracker.tracks).toEqual([]);
      expect(tracker.update([here, there], 33, PICTURE).map(({ id }) => tracker.recognise(id, embedding(1)))).toEqual(ids);
    }
  });

  it('has the mean of its embeddings, the last ones most, of length 1', () => {
    const tracker = new Tracker();
    tracker.update([here], 0, PICTURE);
    for (const seen of [Float32Array.of(3, 0), Float32Array.of(0, 3)]) tracker.recognise(1, seen);
    const mean = [0.9 / Math.hypot(0.9, 1), 1 / Math.hypot(0.9, 1)];
    for (let look = 0; look < 2; look++) {
      expect([...(tracker.tracks[0]?.embedding ?? [])]).toEqual(mean.map((value) => expect.closeTo(value, 6)));
      tracker.tracks[0]?.embedding?.fill(0); // a copy
    }
  });

  it('has a mean however large or small its embeddings are, and opposite ones among them', () => {
    for (const size of [3e38, 1e-45, 1]) {
      const tracker = new Tracker();
      tracker.update([here], 0, PICTURE);
      for (const seen of [Float32Array.of(size, size), Float32Array.of(size, size), Float32Array.of(-1.8, -1.8)])
        tracker.recognise(1, seen);
      const [x = 0, y = 0] = tracker.tracks[0]?.embedding ?? [];
      expect([x, y]).toEqual([expect.closeTo(Math.SQRT1_2, 6), expect.closeTo(Math.SQRT1_2, 6)]);
    }
  });

  it('two that are seen at once are never one, however alike', () => {
    const tracker = new Tracker();
    tracker.update([here, there], 0, PICTURE);
    expect([tracker.recognise(1, embedding(1)), tracker.recognise(2, embedding(1))]).toEqual([1, 2]);
  });
});

it('time that goes back, a frame twice and a picture without faces are no faults', () => {
  const tracker = new Tracker();
  const box = { x0: 100, y0: 100, x1: 200, y1: 220 };
  const at = (time: number) => tracker.update([box], time, PICTURE)[0]?.id;
  expect([at(1000), at(1000), at(400), at(1000 + FRAME)]).toEqual([1, 1, 1, 1]);
  expect(tracker.update([], 1100, PICTURE)).toEqual([]);
  expect(tracker.tracks[0]?.box.x0).toBeCloseTo(100, 0);
  expect(tracker.move(1, box, 1133, PICTURE)?.id).toBe(1);
  expect(tracker.move(9, box, 1133, PICTURE)).toBeUndefined();
  const [later] = tracker.update([box], 1e200, PICTURE);
  expect(later).toMatchObject({ id: 1, box: { x0: expect.closeTo(100, 0), y1: expect.closeTo(220, 0) } });
  expect(Number.isFinite(later?.velocity.x)).toBe(true);
  expect(() => new Tracker({ memory: -1 })).toThrow(/`memory` is -1/);
  expect(() => tracker.update([box], Number.NaN, PICTURE)).toThrow(/they must be numbers/);
  expect(() => tracker.update([{ ...box, x1: 100 }], 1133, PICTURE)).toThrow(/has no size/);
});
