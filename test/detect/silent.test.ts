/** What becomes of searches that a GPU does not run, and of searches and loads that are disposed of or aborted. */
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

it('leaves the search after one that was aborted alone', async () => {
  const gpu = fakeGpu();
  const mtcnn = await Mtcnn.load({ weights: Uint8Array.from(mtcnnWeights()) });
  const dispatch = gpu.device.dispatch.bind(gpu.device);
  const networks: string[] = [];
  gpu.device.dispatch = (kernel, entries) => {
    if (kernel === 'stamp') dispatch(kernel, entries);
    if (kernel === 'averageCrops') networks.push('R or O');
    if (kernel !== 'proposals') return;
    networks.splice(-1, 1, 'P');
    const [result] = entries.slice(-1) as unknown as [{ resource: { buffer: { data: Uint8Array } } }];
    new Float32Array(result.resource.buffer.data.buffer).set([2 ** -149, 0, 5]); // one cell, the first, is a face
  };
  gpu.device.frame = 300;
  const stop = new AbortController();
  const first = mtcnn.detect(picture, { signal: stop.signal });
  await vi.waitFor(() => expect(gpu.device.submits).toHaveLength(1));
  const second = mtcnn.detect(picture);
  stop.abort();
  expect(await codeOf(() => first)).toBe('ABORTED');
  expect(await second).toEqual([]);
  expect(networks).toEqual(['P', 'P', 'R or O']); // of the first one no more than was on its way
  mtcnn.dispose();
});

it('leaves nothing of a load that was aborted on a device that was lent', async () => {
  const gpu = fakeGpu();
  const device = gpu.lend();
  const stop = new AbortController();
  const { point } = gpu.faults;
  gpu.faults.point = (name) => {
    if (name === 'createBuffer') stop.abort();
    return point.call(gpu.faults, name);
  };
  const loading = Mtcnn.load({ weights: Uint8Array.from(mtcnnWeights()), device: device as never, signal: stop.signal });
  expect(await codeOf(() => loading)).toBe('ABORTED');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(gpu.faults.reached).toContain('createBuffer');
  expect(device.alive.size).toBe(0);
});
