/** How calls wait, with an engine that answers when it is told to and frames that are counted. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import { caught } from '../../src/image/caught.ts';
import { Line, MOST_HELD, MOST_WAITING, type QueueMode, queueOf, type Seat } from '../../src/image/line.ts';
import { SharedPicture } from '../../src/image/shared.ts';
import { openPicture, type PictureSource } from '../../src/image/source.ts';

let open = 0;

/** A browser's frame, and how many are open. */
class FakeFrame {
  readonly [Symbol.toStringTag] = 'VideoFrame';
  readonly displayWidth = 4;
  readonly displayHeight = 4;
  #open = true;
  constructor(readonly of?: { name?: string }) {
    open++;
  }
  get name(): string | undefined {
    return this.of?.name;
  }
  get rotation(): number {
    return 0;
  }
  close(): void {
    if (this.#open) open--;
    this.#open = false;
  }
}

class FakeCanvas {
  readonly [Symbol.toStringTag] = 'OffscreenCanvas';
  readonly width = 4;
  readonly height = 4;
  getContext() {
    return { drawImage() {} };
  }
}

let bitmaps = 0;
const createImageBitmap = async () => {
  bitmaps++;
  const close = () => {
    bitmaps -= image.width === 0 ? 0 : 1;
    image.width = 0;
  };
  const image = { [Symbol.toStringTag]: 'ImageBitmap', width: 4, height: 4, close };
  return image;
};
const globals = { VideoFrame: FakeFrame, OffscreenCanvas: FakeCanvas, createImageBitmap };
const before = Object.fromEntries(Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));
beforeEach(() => {
  [open, bitmaps] = [0, 0];
  Object.assign(globalThis, globals);
});
afterEach(() => {
  for (const [name, descriptor] of Object.entries(before)) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete (globalThis as Record<string, unknown>)[name];
  }
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** An engine of one call at a time, whose answer is the call's number and is given by `answer`. */
function engine() {
  let turn: Promise<unknown> = Promise.resolve();
  const answers: (() => void)[] = [];
  const begun: number[] = [];
  const serve = (seat: Seat<{ picture: ReturnType<typeof caught>; number: number }>): Promise<number> => {
    const answered = turn.then(async () => {
      const { picture, number } = seat.begin();
      begun.push(number);
      const opened = await picture.open();
      opened.close();
      picture.close();
      await new Promise<void>((resolve) => answers.push(resolve));
      return number;
    });
    turn = answered.catch(() => {});
    return answered;
  };
  const line = new Line(serve);
  let calls = 0;
  return {
    begun,
    analyze: (source: PictureSource, how: QueueMode = queueOf(source)) => line.join({ picture: caught(source), number: ++calls }, how),
    async answer() {
      await settled();
      answers.shift()?.();
      await settled();
    },
  };
}

const video = () => ({ [Symbol.toStringTag]: 'HTMLVideoElement' }) as unknown as HTMLVideoElement;
const pixels = () => ({ data: new Uint8Array(64), width: 4, height: 4 });
const codeOf = (call: Promise<unknown>) => call.then(String, (error: { code?: string }) => error.code);

describe('a video whose every frame is given', () => {
  it('keeps one frame waiting, of the newest call; the others are told at once', async () => {
    const { analyze, answer, begun } = engine();
    const calls = Array.from({ length: 300 }, () => codeOf(analyze(video())));
    await settled();
    expect(open).toBe(1);
    expect(await Promise.all(calls.slice(1, -1))).toEqual(Array(298).fill('BUSY'));
    await answer();
    await answer();
    expect(begun).toEqual([1, 300]);
    expect([await calls[0], await calls[299]]).toEqual(['1', '300']);
    expect(open).toBe(0);
  });

  it('has its turn among calls that wait, and is answered in its place', async () => {
    const { analyze, answer, begun } = engine();
    const calls = [analyze(pixels()), analyze(video()), analyze(pixels()), analyze(video())].map(codeOf);
    for (let i = 0; i < 3; i++) await answer();
    expect(begun).toEqual([1, 4, 3]);
    expect(await Promise.all(calls)).toEqual(['1', 'BUSY', '3', '4']);
  });
});

it('a frame that has begun is not given up for a newer one, and one that waits is, whoever else begins', async () => {
  const { analyze, answer, begun } = engine();
  const calls = [analyze(pixels()), analyze(pixels()), analyze(video())].map(codeOf);
  await answer(); // the second begins
  calls.push(codeOf(analyze(video()))); // in the third's place
  await answer(); // the fourth begins
  calls.push(codeOf(analyze(video())));
  for (let i = 0; i < 2; i++) await answer();
  expect(begun).toEqual([1, 2, 4, 5]);
  expect(await Promise.all(calls)).toEqual(['1', '2', 'BUSY', '4', '5']);
  expect(open).toBe(0);
});

describe('calls that wait', () => {
  it('hold no frame of a camera: what waits is a copy, and so many at most', async () => {
    const { analyze, answer } = engine();
    const calls = [codeOf(analyze(video()))];
    await settled();
    calls.push(...Array.from({ length: 299 }, () => codeOf(analyze(video(), 'wait'))));
    await settled();
    expect(open).toBe(0);
    expect(bitmaps).toBe(MOST_HELD);
    for (let i = 0; i <= MOST_HELD; i++) await answer();
    const answers = await Promise.all(calls);
    expect(answers.filter((one) => one !== 'BUSY')).toHaveLength(MOST_HELD + 1);
    expect([open, bitmaps]).toEqual([0, 0]);
    expect(
      await Promise.race([
        codeOf(analyze(video())),
        answer()
          .then(answer)
          .then(() => 'no answer'),
      ]),
    ).toBe('301');
  });

  it('are bounded alike however many were answered before, by those alone that hold a picture', async () => {
    const { analyze, answer } = engine();
    const plain = MOST_HELD + 1;
    for (let round = 0; round < 2; round++) {
      const calls = Array.from({ length: plain }, () => codeOf(analyze(pixels())));
      calls.push(...Array.from({ length: MOST_HELD + 5 }, () => codeOf(analyze(video(), 'wait'))));
      await settled();
      expect(bitmaps).toBe(MOST_HELD);
      for (let i = 0; i < plain + MOST_HELD; i++) await answer();
      expect((await Promise.all(calls)).map((one) => one === 'BUSY').lastIndexOf(false)).toBe(plain + MOST_HELD - 1);
    }
  });

  it('are bounded where they hold nothing, too', async () => {
    const { analyze } = engine();
    const running = analyze(pixels());
    running.catch(() => {});
    await settled();
    const calls = Array.from({ length: MOST_WAITING + 5 }, () => codeOf(analyze(pixels())));
    const last = await Promise.all(calls.slice(-5));
    expect(last).toEqual(Array(5).fill('BUSY'));
    expect(await Promise.race([calls[MOST_WAITING - 1], settled().then(() => 'waits')])).toBe('waits');
  });
});

it('a call that is not to wait is refused while another is unanswered, and holds nothing', async () => {
  const { analyze, answer } = engine();
  const first = analyze(video(), 'refuse');
  await settled();
  expect(await codeOf(analyze(video(), 'refuse'))).toBe('BUSY');
  expect(await codeOf(analyze(new FakeCanvas() as never, 'refuse'))).toBe('BUSY');
  await settled();
  expect([open, bitmaps]).toEqual([0, 0]);
  await answer();
  expect(await first).toBe(1);
  expect(
    await Promise.race([
      codeOf(analyze(pixels(), 'refuse')),
      answer()
        .then(answer)
        .then(() => 'no answer'),
    ]),
  ).toBe('4');
});

it('a picture that cannot be opened fails its own call alone, and a frame that was closed is let go', async () => {
  const { analyze, answer } = engine();
  const bad = codeOf(analyze({ nothing: 1 } as never));
  const good = codeOf(analyze(new FakeFrame() as never, 'wait'));
  await answer();
  expect(await bad).toBe('BAD_PICTURE');
  expect(await good).toBe('2');
  expect(open).toBe(1); // the caller's own
});

it('a picture that nobody opens is given up, and closed if it comes', async () => {
  vi.useFakeTimers();
  let come = (_: unknown) => {};
  Object.assign(globalThis, { createImageBitmap: () => new Promise((resolve) => (come = resolve)) });
  for (const open of [openPicture, SharedPicture.open]) {
    const opening = open(new Blob(['x'])).catch(({ code, message }) => [code, message]);
    await vi.advanceTimersByTimeAsync(PATIENCE.picture + 1000);
    expect(await opening).toEqual(['BAD_PICTURE', expect.stringMatching(/was not opened within 60 s/)]);
    const late = await createImageBitmap();
    expect(bitmaps).toBe(1);
    come(late);
    await vi.advanceTimersByTimeAsync(0);
    expect(bitmaps).toBe(0);
  }
  vi.useRealTimers();
});
