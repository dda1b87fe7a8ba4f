/** What is decoded, with a decoder that is made up and frames that are counted. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeFrames } from '../../src/video/decode.ts';
import { FakeFrame, frames } from './browser.ts';

/** Gives a frame a while after each chunk, in the order of their times, but holds no more than `pool` that are open; breaks at a chunk. */
class FakeDecoder extends EventTarget {
  static supported = true;
  static pool = 6;
  static breaks = Number.POSITIVE_INFINITY;
  /** Frames that it keeps until later ones came, as where their order of decoding is another. */
  static keeps = 0;
  /** Makes nothing of its chunks, and says nothing. */
  static dumb = false;
  static last: FakeDecoder;
  static isConfigSupported = async () => ({ supported: FakeDecoder.supported });
  state = 'unconfigured';
  #queue: number[] = [];
  #kept: number[] = [];
  #flushed: (() => void) | undefined;

  constructor(private readonly hears: { output(frame: FakeFrame): void; error(error: Error): void }) {
    super();
    FakeDecoder.last = this;
  }

  get decodeQueueSize(): number {
    return this.#queue.length;
  }

  configure(): void {
    this.state = 'configured';
    void this.#work();
  }

  decode({ timestamp }: { timestamp: number }): void {
    if (this.state !== 'configured') throw new Error(`a decoder that is ${this.state}`);
    this.#queue.push(timestamp);
  }

  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushed = resolve;
    });
  }

  close(): void {
    this.state = 'closed';
  }

  async #work(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.state === 'closed') return;
      if (frames.open >= FakeDecoder.pool) continue;
      const timestamp = this.#queue.shift();
      if (timestamp === undefined) {
        if (this.#flushed && this.#kept.length > 0) this.#give();
        else this.#flushed?.();
        continue;
      }
      if (timestamp === FakeDecoder.breaks) {
        this.state = 'closed';
        return this.hears.error(new Error('a chunk is broken'));
      }
      if (!FakeDecoder.dumb) this.#kept.push(timestamp);
      if (this.#kept.length > FakeDecoder.keeps) this.#give();
      this.dispatchEvent(new Event('dequeue'));
    }
  }

  #give(): void {
    this.hears.output(new FakeFrame({ timestamp: this.#kept.shift() ?? 0 }));
  }
}

beforeEach(() => {
  Object.assign(frames, { open: 0, most: 0, made: 0 });
  Object.assign(FakeDecoder, { supported: true, breaks: Number.POSITIVE_INFINITY, keeps: 0, dumb: false });
  vi.stubGlobal('VideoDecoder', FakeDecoder);
});
afterEach(() => {
  expect(frames.open).toBe(0);
  vi.unstubAllGlobals();
});

let asked = 0;
async function* chunks(count: number) {
  asked = 0;
  for (let i = 0; i < count; i++) {
    asked++;
    yield { timestamp: i } as EncodedVideoChunk;
  }
}

const config = { codec: 'vp8' };
const read = async (count: number, most = Number.POSITIVE_INFINITY) => {
  const times: number[] = [];
  for await (const frame of decodeFrames(config, chunks(count))) {
    times.push(frame.timestamp);
    frame.close();
    if (times.length === most) break;
  }
  return times;
};

describe('the frames of chunks', () => {
  it.each([0, 1, 7, 50])('are all there, in order: %d', async (count) => {
    expect(await read(count)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(FakeDecoder.last.state).toBe('closed');
  });

  it('are all there where a decoder keeps more than it is given ahead', async () => {
    FakeDecoder.keeps = 16;
    expect(await read(50)).toHaveLength(50);
  });

  it('are no more at a time than their reader leaves open, and no more chunks are asked for', async () => {
    let taken = 0;
    for await (const frame of decodeFrames(config, chunks(100))) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      frame.close();
      taken++;
      expect(asked - taken).toBeLessThan(20);
    }
    expect([taken, frames.most <= FakeDecoder.pool]).toEqual([100, true]);
  });

  it('are closed where the reading ends before they do, and so is the decoder', async () => {
    expect(await read(100, 3)).toEqual([0, 1, 2]);
    expect(FakeDecoder.last.state).toBe('closed');
    expect(asked).toBeLessThan(20);
  });

  it.each([
    ['no decoder for them', () => (FakeDecoder.supported = false), /decodes no vp8/],
    ['no WebCodecs', () => vi.stubGlobal('VideoDecoder', undefined), /decodes no vp8/],
    ['a broken chunk', () => (FakeDecoder.breaks = 9), /a chunk is broken/],
    ['chunks of which nothing comes', () => (FakeDecoder.dumb = true), /no frame comes of its chunks/],
  ])('are refused with %s', async (_, prepare, message) => {
    prepare();
    await expect(read(30)).rejects.toMatchObject({ code: 'BAD_PICTURE', message: expect.stringMatching(message) });
  });

  it('end with the fault of the demuxer', async () => {
    async function* broken() {
      yield { timestamp: 0 } as EncodedVideoChunk;
      throw new Error('no MP4');
    }
    const reading = (async () => {
      for await (const frame of decodeFrames(config, broken())) frame.close();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'BAD_PICTURE', message: expect.stringContaining('no MP4') });
  });
});
