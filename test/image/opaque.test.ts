/** Raw pixels say nothing by their alpha, and browsers draw what alpha says: whoever has them drawn gets them opaque, and the caller's stay as they are. */
import { afterEach, expect, it, vi } from 'vitest';
import { fromMediaPipe } from '../../src/detect/adapters.ts';
import { cropFace } from '../../src/face/crop-face.ts';
import { openPicture, type RawPicture } from '../../src/image/source.ts';

const picture: RawPicture = { data: Uint8Array.of(10, 20, 30, 0, 40, 50, 60, 7), width: 2, height: 1 };

afterEach(() => vi.unstubAllGlobals());

/** What a browser would have been given to draw. */
async function drawnBy(use: () => unknown): Promise<number[]> {
  const drawn: ImageData[] = [];
  const take = (image: ImageData) => void drawn.push(image);
  vi.stubGlobal(
    'ImageData',
    class {
      constructor(
        readonly data: Uint8ClampedArray,
        readonly width: number,
        readonly height: number,
      ) {}
    },
  );
  vi.stubGlobal('createImageBitmap', async (image: ImageData) => {
    take(image);
    return { width: 1, height: 1, close() {} };
  });
  const context = { putImageData: take, drawImage() {}, setTransform() {}, getImageData: () => ({ data: new Uint8ClampedArray(4) }) };
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext = () => context;
    },
  );
  await use();
  expect(drawn).toMatchObject([{ width: 2, height: 1 }]);
  return [...(drawn[0] as ImageData).data];
}

it.each<[string, () => unknown]>([
  ['a detector of others', () => fromMediaPipe({ detect: () => ({ detections: [] }) }).detect(picture)],
  ['cropFace', () => cropFace(picture, { box: { x0: 0, y0: 0, x1: 2, y1: 1 } })],
  ['the search for faces in a smaller picture', async () => (await openPicture(picture)).resized({ width: 1, height: 1 })],
])('%s gets raw pixels opaque, and says which picture cannot be had where there is no room for them', async (_, use) => {
  vi.stubGlobal('createImageBitmap', async () => ({}));
  vi.stubGlobal(
    'ImageData',
    class {
      constructor() {
        throw new RangeError('Out of memory at ImageData creation');
      }
    },
  );
  await expect(async () => use()).rejects.toMatchObject({
    code: 'BAD_PICTURE',
    message: expect.stringMatching(/too large.*Out of memory/),
  });
  expect(await drawnBy(use)).toEqual([10, 20, 30, 255, 40, 50, 60, 255]);
  expect([...picture.data]).toEqual([10, 20, 30, 0, 40, 50, 60, 7]);
});
