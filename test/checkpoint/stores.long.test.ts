/**
 * Every call of the stores and of the network that two visits make, made to fail or never to answer, one at a time: a store that fails is no matter, and
 * a network that does is a typed error; and loads at the same time, of which one downloads.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { type ChunkStore, STORE_PATIENCE } from '../../src/checkpoint/store.ts';
import { type Fault, Faults } from '../gpu/fake.ts';
import { entry, fileOf } from './files.ts';
import { CHUNK_BYTES, hostedFile, sha256 } from './hosted-server.ts';
import { storesOf } from './stores.ts';

/** What the page under way has opened. */
const visited: { store: Promise<ChunkStore> | undefined } = { store: undefined };
vi.mock(import('../../src/checkpoint/store.ts'), async (original) => {
  const own = await original();
  const chunkStore = () => {
    visited.store ??= own.openedStore();
    return visited.store;
  };
  return { ...own, chunkStore };
});
Object.assign(STORE_PATIENCE, { opening: 30, answering: 60, finding: 30 });

const LENGTH = 2 * CHUNK_BYTES + 1000;
const data = new Uint8Array(LENGTH).map((_, i) => (i * 31 + (i >> 9)) & 255);
const file = fileOf({ w: entry('U8', [LENGTH], [0, LENGTH]) }, data);
const config = new TextEncoder().encode(JSON.stringify({ chunk_bytes: CHUNK_BYTES, files: [hostedFile('model.safetensors', file)] }));
const right = sha256(data);

const STORES = ['opfs', 'cache'] as const;
const ADDRESSES = { hosted: 'https://example.org/h/', single: 'https://example.org/w.safetensors' };
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 5);

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', note);
});
afterAll(() => {
  process.off('unhandledRejection', note);
});
afterEach(() => vi.unstubAllGlobals());

/** A server of both addresses. */
function served(faults = new Faults()) {
  const sent = { bytes: 0 };
  const failed = () => new TypeError('made to fail');
  const fetch = async (url: unknown, { method = 'GET', signal, headers = {} }: RequestInit = {}) => {
    const from = Number(/bytes=(\d+)-/.exec((headers as Record<string, string>)['range'] ?? '')?.[1] ?? 0);
    const bytes = (String(url).includes('config.json') ? config : file).subarray(from);
    let at = 0;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      await new Promise((done) => setTimeout(done));
      const piece = await faults.answer('read', () => bytes.slice(at, at + CHUNK_BYTES), failed);
      at += piece.length;
      sent.bytes += piece.length;
      if (piece.length > 0) controller.enqueue(piece);
      else controller.close();
    };
    const total = from + bytes.length;
    const range = from > 0 && { 'content-range': `bytes ${from}-${total - 1}/${total}` };
    const answer = () =>
      new Response(method === 'HEAD' ? null : new ReadableStream({ pull }, { highWaterMark: 0 }), {
        status: range ? 206 : 200,
        headers: { etag: '"one"', 'content-length': String(bytes.length), ...range },
      });
    const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    aborted.catch(() => {});
    return Promise.race([faults.answer('fetch', answer, failed), aborted]);
  };
  return { sent, fetch: fetch as typeof globalThis.fetch };
}

/** What a page makes of an address: the hash of the weights, or a code. */
async function load(url: string, fetch: typeof globalThis.fetch, signal?: AbortSignal): Promise<string> {
  let hash = '';
  try {
    const checkpoint = await openCheckpoint(url, { fetch, signal, retry: { tries: 3, delay: 1, stall: 300 } });
    for await (const { data } of checkpoint.read({ signal })) hash = sha256(data);
    return hash === right ? 'right' : `wrong: ${hash}`;
  } catch (error) {
    const { name, code, stack } = error as { name: string; code?: string; stack?: string };
    return name === 'FaceXFormerError' ? String(code) : `untyped: ${stack}`;
  }
}

/** Two visits; and whether each was done in a time that a person would wait. */
async function twoVisits(kind: (typeof STORES)[number], url: string, faults: Faults) {
  storesOf(kind, faults);
  const { fetch } = served(faults);
  const stop = new AbortController();
  const outcomes: string[] = [];
  const begun = performance.now();
  // A single file's bytes are waited for until the signal says otherwise.
  const patience = setTimeout(() => stop.abort(), 1500);
  for (let i = 0; i < 2; i++) {
    visited.store = undefined;
    outcomes.push(await load(url, fetch, stop.signal));
  }
  clearTimeout(patience);
  vi.unstubAllGlobals();
  return { outcomes, took: performance.now() - begun };
}

describe.each(STORES.flatMap((kind) => Object.entries(ADDRESSES).map(([name, url]) => [name, kind, url] as const)))(
  'two visits, %s weights, %s',
  (name, kind, url) => {
    it.each<Fault>(['fails', 'hangs'])('a call of which %s', { timeout: 300_000 }, async (fault) => {
      const whole = new Faults();
      expect((await twoVisits(kind, url, whole)).outcomes).toEqual(['right', 'right']);
      const wrong: string[] = [];
      for (const [at, point] of whole.reached.entries()) {
        if (at % EVERY !== 0) continue;
        const { outcomes, took } = await twoVisits(kind, url, Object.assign(new Faults(), { at, fault }));
        const ofNetwork = name === 'single' && /^(fetch|read)$/.test(point);
        const allowed = ofNetwork ? ['right', 'WEIGHTS_UNREACHABLE', 'ABORTED'] : ['right'];
        if (!outcomes.every((outcome) => allowed.includes(outcome)) || took > (ofNetwork ? 6000 : 3000))
          wrong.push(`${at}, ${point}: ${outcomes}, ${Math.round(took)} ms`);
      }
      console.log(`${name}, ${kind}, ${fault}: ${whole.reached.length} points`);
      await new Promise((done) => setTimeout(done, 20));
      expect([...wrong, ...unhandled.splice(0)]).toEqual([]);
    });
  },
);

describe.each([...STORES, 'memory'] as const)('two loads at the same time, %s', (kind) => {
  const begin = () => {
    visited.store = undefined;
    if (kind !== 'memory') storesOf(kind, new Faults());
    return served();
  };

  it.each(Object.entries(ADDRESSES))('share one download of %s weights', async (_, url) => {
    const { sent, fetch } = begin();
    expect(await Promise.all([load(url, fetch), load(url, fetch), load(url, fetch)])).toEqual(['right', 'right', 'right']);
    expect(sent.bytes).toBeLessThanOrEqual(file.length + 3 * config.length);
  });

  it.each(Object.entries(ADDRESSES))('of %s weights: one that is aborted leaves the other alone', async (_, url) => {
    const { fetch } = begin();
    const [first, last] = [new AbortController(), new AbortController()];
    const loads = [load(url, fetch, first.signal), load(url, fetch), load(url, fetch, last.signal)];
    await new Promise((done) => setTimeout(done, 4));
    const begun = performance.now();
    last.abort();
    expect(await loads[2]).toBe('ABORTED');
    first.abort();
    expect(await loads[0]).toBe('ABORTED');
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(await loads[1]).toBe('right');
  });
});

it('one that nobody reads does not hold up another', async () => {
  visited.store = undefined;
  const { fetch } = served();
  const stop = new AbortController();
  await openCheckpoint(ADDRESSES.single, { fetch, signal: stop.signal });
  const begun = performance.now();
  for await (const { data } of (await openCheckpoint(ADDRESSES.single, { fetch })).read()) expect(sha256(data)).toBe(right);
  expect(performance.now() - begun).toBeLessThan(5000);
  stop.abort();
});
