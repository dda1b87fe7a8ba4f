import { expect, it } from 'vitest';
import { tensorsOf } from '../../src/checkpoint/manifest.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { inFloat32, toFloat32 } from '../../src/checkpoint/values.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';

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
  const held = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  const before = held();
  let most = 0;
  let bytes = 0;
  for await (const { info, data } of inFloat32(await openCheckpoint(stream)).read()) {
    bytes += info.dtype === 'F32' ? toFloat32(info, data).byteLength : data.byteLength;
    most = Math.max(most, held() - before);
  }
  expect(bytes).toBe([...seeded.tensors.values()].reduce((sum, info) => sum + info.bytes, 0));
  // The seeded generator, which stands for the network, holds one tensor of its own.
  expect((most - 2 * largest) / 1e6).toBeLessThan(96);
});
