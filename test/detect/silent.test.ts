/** A GPU whose dispatches do nothing, from the first search on or from a later one: never a face, and never none. */
import { afterEach, expect, it, vi } from 'vitest';
import { Mtcnn } from '../../src/detect/index.ts';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';
import { codeOf } from '../errors.ts';
import { fakeGpu } from '../gpu/fake.ts';

afterEach(() => void vi.unstubAllGlobals());

const picture = { data: new Uint8Array(64 * 64 * 4), width: 64, height: 64 };

it.for([0, 2])('%i searches that were run, and then none', async (run) => {
  const gpu = fakeGpu();
  const mtcnn = await Mtcnn.load({ weights: Uint8Array.from(mtcnnWeights()) });
  const { device } = gpu;
  const dispatch = device.dispatch.bind(device);
  // A GPU that finds nothing: it does what counts its frames, and leaves all else as it is.
  device.dispatch = (kernel, entries) => void (kernel === 'stamp' && dispatch(kernel, entries));
  for (let i = 0; i < run; i++) expect(await mtcnn.detect(picture)).toEqual([]);
  device.works = false;
  for (let i = 0; i < 3; i++) expect(await codeOf(() => mtcnn.detect(picture))).toBe('GPU_ERROR');
  mtcnn.dispose();
});

it('frees the pictures of calls that were never begun', async () => {
  fakeGpu();
  let open = 0;
  vi.stubGlobal('createImageBitmap', async () => {
    open++;
    return { [Symbol.toStringTag]: 'ImageBitmap', width: 4, height: 4, close: () => void open-- };
  });
  const canvas = { [Symbol.toStringTag]: 'OffscreenCanvas', width: 4, height: 4 } as unknown as OffscreenCanvas;
  const mtcnn = await Mtcnn.load({ weights: Uint8Array.from(mtcnnWeights()) });
  const calls = [canvas, canvas].map((one) => codeOf(() => mtcnn.detect(one)));
  mtcnn.dispose();
  expect(await Promise.all(calls)).toEqual(['DISPOSED', 'DISPOSED']);
  await vi.waitFor(() => expect(open).toBe(0));
});
