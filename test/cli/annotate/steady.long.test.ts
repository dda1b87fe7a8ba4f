/** Two thousand pictures through a real engine of the reduced configuration, on a GPU of JavaScript: what the heap holds does not grow. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryObjects } from 'node:v8';
import { PNG } from 'pngjs';
import { afterAll, expect, it, vi } from 'vitest';
import { load } from '../../engine/reduced.ts';
import { fakeGpu, hastyParameters } from '../../gpu/fake.ts';
import { annotate } from './fake.ts';

const folder = mkdtempSync(join(tmpdir(), 'annotate-steady-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

interface Held {
  readonly objects: number;
  readonly bytes: number;
  readonly onGpu: number;
}

/** Counting objects collects what nobody uses first. */
function heldNow(onGpu: number): Held {
  const objects = queryObjects(Object, { format: 'count' });
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { objects, bytes: heapUsed + arrayBuffers, onGpu };
}

it('two thousand pictures leave nothing behind', { timeout: 120_000 }, async () => {
  const gpu = fakeGpu();
  hastyParameters();
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  const png = new PNG({ width: 32, height: 32 });
  png.data.fill(100).set([1, 2, 1, 255], 0); // one face
  const bytes = PNG.sync.write(png);
  for (let i = 0; i < 2000; i++) writeFileSync(join(pictures, `${i}.png`), bytes);
  const engine = await load();
  const held: Held[] = [];
  let seen = 0;
  const counted: Parameters<typeof annotate>[1] = {
    analyzeMany(...told) {
      for (const list of [gpu.faults.reached, gpu.device.submits, gpu.device.dispatched]) list.length = 0;
      seen += [...told[0]].length;
      if (seen % 400 === 0) held.push(heldNow(gpu.device.alive.size));
      return engine.analyzeMany(...told);
    },
  };
  await annotate({ files: [pictures], out: join(folder, 'out.jsonl') }, counted);
  engine.dispose();
  expect(readFileSync(join(folder, 'out.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2000);
  expect(held).toHaveLength(5);
  const [, second, , , last] = held as [Held, Held, Held, Held, Held];
  expect(last.onGpu).toBe(second.onGpu);
  expect(last.bytes - second.bytes).toBeLessThan(1_000_000); // the pixels of the 1,200 pictures between would be 4.9 MB, were they kept
  expect(last.objects - second.objects).toBeLessThan(20); // one object a picture would be 1,200
});
