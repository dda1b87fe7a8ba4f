/**
 * A camera followed in the browser while the page, the video, the detector and the GPU stall: nothing grows, nothing stays open, and results stay young. A network of
 * two convolutions and the real MTCNN; `SESSION_SECONDS=120` follows for two minutes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';
import { root } from '../../tools/root.ts';
import { type OpenPage, useBrowser } from '../browser.ts';
import type { end, flood, soFar } from './session.page.ts';
import { cameraFlags, y4mOf } from './y4m.ts';

const SECONDS = Number(process.env['SESSION_SECONDS'] ?? 15);
const folder = mkdtempSync(join(tmpdir(), 'facexformer-session-'));
const camera = join(folder, 'group.y4m');
writeFileSync(camera, y4mOf(readFileSync(join(root, 'test', 'fixtures', 'group.png')), 3));

const open = useBrowser(cameraFlags(camera));
let page: OpenPage;
let devtools: CDPSession;

beforeAll(async () => {
  page = await open("export * from './test/video/session.page.ts';", {
    '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' },
  });
  devtools = await page.page.createCDPSession();
  await page.call('begin');
});
afterAll(async () => {
  await page?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Told<Page extends (...told: never[]) => unknown> = Awaited<ReturnType<Page>>;

/** Bytes of the page's heap when what nobody uses is collected. */
async function heap(): Promise<number> {
  for (let i = 0; i < 2; i++) await devtools.send('HeapProfiler.collectGarbage');
  return (await devtools.send('Runtime.getHeapUsage')).usedSize;
}

describe(`a session of ${SECONDS} seconds in which everything stalls`, () => {
  type Look = Told<typeof soFar> & { heap: number };
  const looks: Look[] = [];
  let last: Told<typeof end>;
  beforeAll(
    async () => {
      await page.call('follow');
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setTimeout(resolve, (1000 * SECONDS) / 4));
        looks.push({ heap: await heap(), ...(await page.call<Told<typeof soFar>>('soFar')) });
      }
      last = await page.call<Told<typeof end>>('end');
      console.log(looks.map((look) => JSON.stringify(look)).join('\n'));
    },
    30_000 + 2000 * SECONDS,
  );

  it('goes on all along, with a face that keeps its id', () => {
    const [first, , , last] = looks as [Look, Look, Look, Look];
    expect(last.stalls).toBeGreaterThanOrEqual(4);
    expect(last.results).toBeGreaterThan(first.results);
    expect([last.faces, last.ids, last.faults]).toEqual([1, [1], []]);
  });

  it('gives no result that is older than two analyses', () => {
    const { oldest, slowest, late } = looks.at(-1) as Look;
    expect(oldest).toBeLessThan(2 * slowest);
    expect(late).toBeLessThan(1000); // beyond its own analysis and the one before: no more than the page itself stood still
  });

  it('leaves no frame open, and makes nothing on the GPU that stays', () => {
    expect(last).toEqual({ reason: 'stopped', frames: 0 });
    for (const { frames, gpu, bytes } of looks) {
      expect(frames).toBeLessThanOrEqual(2); // the one under way, for the network and for the detector
      expect([gpu, bytes]).toEqual([looks[0]?.gpu, looks[0]?.bytes]);
    }
  });

  it('takes no more of the heap', () => {
    const [, second, , fourth] = looks as [Look, Look, Look, Look];
    expect(fourth.heap - second.heap).toBeLessThan(400_000);
  });
});

describe('a camera whose every frame is analysed', () => {
  it.each([undefined, 'wait', 'refuse'] as const)('goes on, and its answers stay young: %s', async (queue) => {
    const { others, answered, busy, aborted, ...counted } = await page.call<Told<typeof flood>>('flood', 3000, queue);
    console.log(queue, JSON.stringify({ answered, busy, aborted, ...counted }));
    expect(others).toEqual([]);
    expect(answered).toBeGreaterThan(0);
    expect(answered + busy + aborted).toBe(counted.frames);
    // It shows what it shows when nobody asks for its frames, to the end.
    expect(counted.frames).toBeGreaterThan(0.6 * 3 * counted.usual);
    expect(counted.last).toBeGreaterThan(2500);
    expect(counted.open).toBeLessThan(5);
    expect(counted.left).toBe(0);
    if (queue !== 'wait') expect(counted.oldest).toBeLessThan(2.2 * counted.slowest);
  });
});

it('complains about nothing', () => expect(page.complaints).toEqual([]));
