/** What comes back from a GPU, and the ring of buffers that it comes through, on a GPU of JavaScript. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { ReadbackRing, RING, readBack } from '../../src/gpu/readback.ts';
import { codeOf } from '../errors.ts';
import { type FakeDevice, fakeGpu } from './fake.ts';

let device: FakeDevice;
beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ['setTimeout', 'clearTimeout'] });
  device = fakeGpu().lend();
});
afterEach(async () => {
  await vi.advanceTimersByTimeAsync(1);
  expect(vi.getTimerCount()).toBe(0); // or a page would wait on for a GPU that has answered
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('a ring lends each buffer to one, then to who waited longest, and to nobody once it is destroyed', async () => {
  const ring = new ReadbackRing(device as never, 4);
  const lent = await Promise.all(Array.from({ length: RING }, () => ring.take()));
  expect(new Set(lent).size).toBe(RING);
  const waiting = [ring.take(), ring.take()];
  let idle = false;
  const idled = ring.idle().then(() => {
    idle = true;
  });
  ring.release(lent[1] as GPUBuffer);
  expect(await waiting[0]).toBe(lent[1]);
  ring.release(lent[0] as GPUBuffer);
  expect(await waiting[1]).toBe(lent[0]);
  const late = codeOf(() => ring.take());
  ring.release(lent[2] as GPUBuffer);
  expect(await late).toBe('nothing');
  expect(idle).toBe(false);
  for (const one of lent) ring.release(one);
  await idled;
  await ring.idle();
  await Promise.all(Array.from({ length: RING }, () => ring.take()));
  const refused = codeOf(() => ring.take());
  ring.destroy();
  expect(await refused).toBe('DISPOSED');
  expect(await codeOf(() => ring.take())).toBe('DISPOSED');
  expect(device.alive.size).toBe(0);
});

type Spoil = (buffer: GPUBuffer) => Promise<unknown> | undefined;
const failing = (name: string) => (buffer: GPUBuffer) => {
  buffer.mapAsync = () => Promise.reject(new DOMException('no map', name));
  return undefined;
};
it.each<[string, Spoil, string, RegExp]>([
  ['a refusal', async () => ({ message: 'too large' }), 'GPU_ERROR', /refused the frame: too large/],
  ['a refusal that is not told', () => Promise.reject(new FaceXFormerError('GPU_ERROR', 'not told')), 'GPU_ERROR', /^not told$/],
  ['a GPU that is lost', () => void device.lose(), 'DEVICE_LOST', /while it worked/],
  ['a map that is given up', failing('AbortError'), 'DEVICE_LOST', /while it worked/],
  ['the same in older browsers', failing('OperationError'), 'DEVICE_LOST', /while it worked/],
  [
    'a GPU that says nothing',
    (buffer) => void Object.assign(buffer, { mapAsync: () => new Promise(() => {}) }),
    'GPU_ERROR',
    /^The GPU has not/,
  ],
  ['a map that fails', failing('RangeError'), 'GPU_ERROR', /could not run the frame: no map/],
])('%s is told as what it is, and the buffer can be used again', async (_, spoil, code, message) => {
  const buffer = device.createBuffer({ size: 8, usage: 9 }) as unknown as GPUBuffer;
  const { mapAsync } = buffer;
  const refused = Promise.resolve(spoil(buffer)) as Promise<GPUError | undefined>;
  const read = readBack(buffer, 'the frame', refused, () => 'read', { patience: 200 });
  await expect(read).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(buffer.mapState).toBe('unmapped');
  if (device.isGone) return;
  buffer.mapAsync = mapAsync;
  expect(await readBack(buffer, 'the frame', Promise.resolve(undefined), ({ byteLength }) => byteLength)).toBe(8);
});
