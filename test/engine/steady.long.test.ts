/** What an engine holds of a GPU: a thousand frames create and keep nothing, and nothing is left of one that is gone. A GPU of JavaScript (test/gpu/fake.ts). */
import { queryObjects } from 'node:v8';
import { describe, expect, it, vi } from 'vitest';
import { RING } from '../../src/gpu/readback.ts';
import { STAMP_BYTES } from '../../src/gpu/stamp.ts';
import type { Checkpoint, FaceXFormer, LentDevice } from '../../src/index.ts';
import { codeOf } from '../errors.ts';
import { eachWithFakeGpu, type fakeGpu } from '../gpu/fake.ts';
import { load, numbersOf, picture, weights } from './reduced.ts';

let gpu: ReturnType<typeof fakeGpu>;
eachWithFakeGpu((one) => {
  gpu = one;
});

const box = { x0: 3, y0: 5, x1: 40, y1: 50 };

/** Ten frames: calls one after the other and side by side, with one face and several, and pictures in a row. */
async function tenFrames(engine: FaceXFormer): Promise<unknown[]> {
  const alone = [await engine.analyze(picture, { box: 'whole' }), await engine.analyze(picture, { boxes: [box, box] })];
  const beside = await Promise.all(Array.from({ length: 6 }, () => engine.analyze(picture, { box })));
  for await (const one of engine.analyzeMany([picture, picture, picture, picture], { boxes: [box, box, box, box] })) alone.push(one);
  return [...alone, ...beside].map(numbersOf);
}

/** How many objects JavaScript's heap holds: unlike its bytes, which grow as compilers learn, they are known to one. */
async function objects(): Promise<number> {
  await new Promise((done) => setTimeout(done, 20));
  return queryObjects(Object, { format: 'count' });
}

it('a thousand frames create nothing, keep nothing, and are alike to the last bit', { timeout: 120_000 }, async () => {
  const engine = await load();
  await tenFrames(engine); // makes programs, and a texture that older ones bind later
  const first = JSON.stringify(await tenFrames(engine));
  const before = new Set(gpu.device.alive);
  const held: number[] = [];
  for (let i = 0; i < 100; i++) {
    for (const list of [gpu.faults.reached, gpu.device.submits, gpu.device.dispatched]) list.length = 0;
    expect(JSON.stringify(await tenFrames(engine))).toBe(first);
    expect(gpu.faults.reached.filter((name) => /^create(?!CommandEncoder)/.test(name))).toEqual([]);
    if (i % 33 === 0) held.push(await objects());
  }
  expect(new Set(gpu.device.alive)).toEqual(before);
  expect((held.at(-1) as number) - (held[1] as number)).toBeLessThan(10); // one object a frame would be hundreds
  engine.dispose();
  expect(gpu.device.alive.size).toBe(0);
});

it('has the bytes on the GPU that its plan tells', async () => {
  const engine = await load();
  const { activationBytes, readbackBytes } = engine.plan().totals;
  const bytes = { weights: 0, slot: 0, readback: 0 };
  for (const { label, size } of gpu.device.alive as Set<{ label: string; size: number }>) {
    const [kind] = label.split(' ') as [keyof typeof bytes];
    if (/^(slot|readback) \d$/.test(label)) bytes[kind] += size;
    else if (engine.plan().parameters.some(({ name }) => name === label)) bytes.weights += size;
  }
  expect(bytes).toEqual({ weights: engine.info.weightBytes, slot: activationBytes, readback: RING * (readbackBytes + STAMP_BYTES) });
  engine.dispose();
});

describe('on a device that an app lent, nothing is left', () => {
  const lentTo = async (use: (device: LentDevice) => Promise<unknown>) => {
    const device = gpu.lend();
    await use(device as unknown as LentDevice);
    await vi.waitFor(() => expect([...device.alive].map((one) => (one as { label: string }).label)).toEqual([]));
    expect(device.isGone).toBe(false);
  };
  const run = (engine: FaceXFormer, options = {}) => codeOf(() => engine.analyze(picture, { boxes: [box], ...options }));

  it.each([0, 1, 3, 8, 21])('when it is disposed of %i ms into calls', async (milliseconds) => {
    await lentTo(async (device) => {
      const engine = await load({ device });
      gpu.device.frame = 10;
      const calls = [run(engine), run(engine, { boxes: [box, box] }), run(engine, { tasks: ['age'] })];
      await new Promise((done) => setTimeout(done, milliseconds));
      engine.dispose();
      engine.dispose();
      for (const code of await Promise.all(calls)) expect(['nothing', 'DISPOSED']).toContain(code);
    });
  });

  it.each([0, 5, 60, 150])('when the load is aborted after %i ms', async (milliseconds) => {
    await lentTo(async (device) => {
      const stop = new AbortController();
      const loading = codeOf(() => load({ device, signal: stop.signal }).then((engine) => engine.dispose()));
      await new Promise((done) => setTimeout(done, milliseconds));
      stop.abort();
      expect(['nothing', 'ABORTED']).toContain(await loading);
    });
  });

  it.each(['device', 'weights', 'pipelines', 'ready'])('when a callback throws at %s', async (at) => {
    await lentTo(async (device) => {
      const fault = new Error('of the app');
      const onProgress = ({ phase }: { phase: string }) => {
        if (phase === at) throw fault;
      };
      const telling: Checkpoint = {
        ...weights,
        async *read(options) {
          options?.onProgress?.(1, 2);
          yield* weights.read(options);
        },
      };
      await expect(load({ device, onProgress, weights: telling })).rejects.toBe(fault);
    });
  });
});
