/** Calls of a detector that is slower than who calls it: how many wait, and that they leave a camera its frames. */
import { afterEach, expect, it, vi } from 'vitest';
import { Mtcnn } from '../../src/detect/mtcnn.ts';

afterEach(() => vi.unstubAllGlobals());

/** A detector whose GPU never answers. */
const silent = () => Reflect.construct(Mtcnn, [{ mustLive() {}, run: () => new Promise(() => {}) }, {}]) as Mtcnn;

it('a thousand pictures wait, and no more', async () => {
  const detector = silent();
  const picture = { data: new Uint8Array(4), width: 1, height: 1 };
  for (let i = 0; i <= 1000; i++) {
    void detector.detect(picture);
    if (i === 0) await new Promise((resolve) => setTimeout(resolve)); // its turn has come
  }
  await expect(detector.detect(picture)).rejects.toMatchObject({ code: 'BUSY' });
});

it('few frames wait, and those as copies', async () => {
  let open = 0;
  class VideoFrame {
    displayWidth = 1;
    displayHeight = 1;
    [Symbol.toStringTag] = 'VideoFrame';
    constructor() {
      open++;
    }
    close() {
      open--;
    }
  }
  class OffscreenCanvas {
    width = 1;
    height = 1;
    [Symbol.toStringTag] = 'OffscreenCanvas';
    getContext() {}
  }
  vi.stubGlobal('VideoFrame', VideoFrame);
  vi.stubGlobal('OffscreenCanvas', OffscreenCanvas);
  vi.stubGlobal('createImageBitmap', async () => ({ width: 1, height: 1, close: () => {} }));
  const frame = new VideoFrame() as never;
  const detector = silent();
  const busy = Array.from({ length: 300 }, () =>
    Promise.race([detector.detect(frame), new Promise((resolve) => setTimeout(resolve, 50))]).catch(({ code }) => code),
  );
  expect((await Promise.all(busy)).filter((code) => code === 'BUSY').length).toBeGreaterThan(260);
  expect(open).toBeLessThanOrEqual(2); // the caller's own, and that of the call under way
});
