/** float16 and int8 weights through the command line and the browser, against PyTorch's float64 run on the same rounded weights. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { reduced } from '../../../cli/convert/reduce.ts';
import { main } from '../../../scripts/commands.ts';
import { openCheckpoint } from '../../../src/checkpoint/open.ts';
import { seededCheckpoint } from '../../../src/checkpoint/seeded.ts';
import { inFloat32 } from '../../../src/checkpoint/values.ts';
import { safetensorsBytes } from '../../../src/checkpoint/write.ts';
import { tensorsOf } from '../../../src/face/config.ts';
import { nmse } from '../../../src/tune/nmse.ts';
import { save } from '../../../tools/save.ts';
import { whereOptions } from '../../browser.ts';

const folder = mkdtempSync(join(tmpdir(), 'facexformer-reduced-'));
afterAll(() => rmSync(folder, { recursive: true }));
const portrait = fileURLToPath(new URL('../../fixtures/astronaut.png', import.meta.url));
/** Every so many of the parsing logits are in the fixtures. */
const STEP = 57;

async function tensors(path: string | URL): Promise<Map<string, Float32Array | Uint8Array>> {
  const found = new Map<string, Float32Array | Uint8Array>();
  for await (const { info, data } of (await openCheckpoint(new Uint8Array(readFileSync(path)))).read())
    found.set(info.name, info.dtype === 'F32' ? new Float32Array(data.slice().buffer) : data.slice());
  return found;
}

function argmax(logits: ArrayLike<number>): Uint8Array {
  const pixels = 224 * 224;
  return Uint8Array.from({ length: pixels }, (_, i) => {
    let best = 0;
    for (let c = 1; c < 11; c++) if ((logits[c * pixels + i] as number) > (logits[best * pixels + i] as number)) best = c;
    return best;
  });
}

describe.each(['f16', 'int8'] as const)('weights in %s', (precision) => {
  let ours: Map<string, Float32Array | Uint8Array>;
  let theirs: Map<string, Float32Array | Uint8Array>;
  beforeAll(async () => {
    const weights = join(folder, `${precision}.safetensors`);
    await save(weights, safetensorsBytes(reduced(inFloat32(seededCheckpoint(tensorsOf('released'))), precision)));
    const raw = join(folder, `${precision}-raw.safetensors`);
    const quiet = vi.spyOn(console, 'log').mockImplementation(() => {});
    const code = await main(['analyze', portrait, '--weights', weights, '--box', '157,37,293,229', '--raw', raw, ...whereOptions]);
    quiet.mockRestore();
    expect(code).toBe(0);
    ours = await tensors(raw);
    theirs = await tensors(new URL(`fixtures/reduced-${precision}.safetensors`, import.meta.url));
  });

  it.each(['landmarks', 'headpose', 'attributes', 'visibility', 'age', 'gender', 'race', 'segmentation'])('%s is PyTorch’s', (task) => {
    const expected = theirs.get(`output.${task}`) as Float32Array;
    const actual = ours.get(`output.${task}`) as Float32Array;
    expect(nmse(task === 'segmentation' ? actual.filter((_, i) => i % STEP === 0) : actual, expected)).toBeLessThanOrEqual(1e-8);
  });

  it('parses at least 99.99 % of the pixels as PyTorch does', () => {
    const mask = argmax(ours.get('output.segmentation') as Float32Array);
    const expected = theirs.get('mask') as Uint8Array;
    expect(mask.filter((one, i) => one !== expected[i]).length / mask.length).toBeLessThanOrEqual(1e-4);
  });
});
