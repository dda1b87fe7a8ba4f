import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { Parameters } from '../../src/graph/parameters.ts';
import { makePlan, type Plan } from '../../src/graph/plan.ts';
import { network as networkOf } from '../../src/model/network.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are in use, garbage left out. */
function heldBytes(): number {
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

function makePlanOf(tensors: ReadonlyMap<string, TensorInfo>): Plan {
  const config = readConfig(tensors);
  return makePlan(networkOf(config), outputsOf(tasksOf(config), false));
}

beforeAll(() => {
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 0x80, COPY_DST: 8 });
});
afterAll(() => {
  vi.unstubAllGlobals();
});

it('loading 368 MB from a stream holds at most 96 MB beyond the largest tensor', { timeout: 120_000 }, async () => {
  const seeded = seededCheckpoint(tensorsOf('released'));
  const largest = Math.max(...[...seeded.tensors.values()].map(({ bytes }) => bytes));
  // Network-like pieces of 64 KiB, made as they are asked for.
  const pieces = (async function* () {
    for await (const piece of safetensorsBytes(seeded)) for (let at = 0; at < piece.length; at += 65536) yield piece.slice(at, at + 65536);
  })();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  const network = makePlanOf(seeded.tensors);
  let most = 0;
  const before = heldBytes();
  // A GPU that takes copies; what is held is looked at whenever one is made.
  const device = {
    createBuffer({ size }: GPUBufferDescriptor) {
      most = Math.max(most, heldBytes() - before);
      return { size };
    },
    queue: { writeBuffer: () => {}, submit: () => {} },
    pushErrorScope: () => {},
    popErrorScope: async () => null,
  } as unknown as GPUDevice;
  const parameters = new Parameters(device);
  await parameters.load(network.parameters, await openCheckpoint(stream));
  expect(parameters.bytes).toBeGreaterThan(362e6);
  // The seeded generator, which stands for the network, holds one tensor of its own.
  expect((most - 2 * largest) / 1e6).toBeLessThan(96);
  // And it was looked at while tensors were held.
  expect(most).toBeGreaterThan(largest);
});
