import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { weightCache } from '../../src/checkpoint/cache.ts';
import { Passing, type RetryOptions } from '../../src/checkpoint/connection.ts';
import { patiently } from '../../src/checkpoint/download.ts';
import { isHosted, openCheckpoint } from '../../src/checkpoint/open.ts';
import { chunkStore } from '../../src/checkpoint/store.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { entry, fileOf } from './files.ts';
import { CHUNK_BYTES, type HostedServer, hostedServer, sha256 } from './hosted-server.ts';

// Two chunks and a bit, of bytes that tell their place; and two small shards.
const long = CHUNK_BYTES * 2 + 1000;
const data = new Uint8Array(long).map((_, i) => (i * 31 + (i >> 12)) & 255);
const big = fileOf(
  { a: entry('U8', [CHUNK_BYTES + 5], [0, CHUNK_BYTES + 5]), b: entry('U8', [long - CHUNK_BYTES - 5], [CHUNK_BYTES + 5, long]) },
  data,
);
const shards = {
  'model-1.safetensors': fileOf({ a: entry('U8', [4], [0, 4]) }, 4),
  'model-2.safetensors': fileOf({ b: entry('U8', [3], [0, 3]) }, 3),
};
const retry: RetryOptions = { delay: 1, stall: 500 };

let server: HostedServer;
beforeEach(async () => {
  await weightCache.clear();
  server = await hostedServer({ 'model.safetensors': big });
});
afterEach(() => {
  vi.restoreAllMocks();
  return server.close();
});

/** Every look at the clock is so many milliseconds after the last. */
const hurry = (milliseconds: number) => {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (clock += milliseconds));
};

async function load(url = server.url, signal?: AbortSignal, fetch?: typeof globalThis.fetch): Promise<Record<string, string>> {
  const checkpoint = await openCheckpoint(url, { retry, signal, fetch });
  const found: Record<string, string> = {};
  for await (const { info, data } of checkpoint.read({ signal })) found[info.name] = sha256(data);
  return found;
}
const right = { a: sha256(data.subarray(0, CHUNK_BYTES + 5)), b: sha256(data.subarray(CHUNK_BYTES + 5)) };

describe('hosted weights', () => {
  it('load by their folder or their config.json, once; the next load makes no request', async () => {
    expect(await load()).toEqual(right);
    expect(server.requests).toEqual(['config.json 0', 'model.safetensors 0']);
    expect(await load()).toEqual(right);
    expect(server.requests.length).toBe(2);
    expect(await load(`${server.url}config.json`)).toEqual(right);
    expect(server.requests.length).toBe(2);
    expect(await weightCache.list()).toEqual([{ sha256: sha256(big), bytes: big.length }]);
  });

  it('are told from single files by their address', () => {
    for (const url of ['/w/', 'https://x.org/', 'config.json', '/w/config.json?v=2', 'a%2Fconfig.json', 'a%2f'])
      expect(isHosted(url)).toBe(true);
    for (const url of ['/w', '/w/model.safetensors', '/myconfig.json', '/w?x=/', '?w']) expect(isHosted(url)).toBe(false);
    expect(isHosted('data:application/octet-stream;base64,AAAA////')).toBe(false);
  });

  it('load from shards, with progress over all', async () => {
    await server.close();
    server = await hostedServer(shards);
    const checkpoint = await openCheckpoint(server.url, { retry });
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
    expect(checkpoint.rereadable).toBe(true);
    for (let round = 0; round < 2; round++) {
      const steps: number[][] = [];
      const found: number[][] = [];
      for await (const { data } of checkpoint.read({ onProgress: (...step) => steps.push(step) })) found.push([...data]);
      expect(found).toEqual([
        [0, 1, 2, 3],
        [0, 1, 2],
      ]);
      expect(steps.at(-1)).toEqual([7, 7]);
    }
  });

  it('are refused where two of their files hold one tensor', async () => {
    await server.close();
    server = await hostedServer({ ...shards, 'model-3.safetensors': fileOf({ a: entry('U8', [2], [0, 2]) }, 2) });
    await expect(load()).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(/hold a tensor "a"/) });
  });

  it('are forgotten on demand, one by one or all', async () => {
    await load();
    await weightCache.delete('0'.repeat(64));
    expect((await weightCache.list()).length).toBe(1);
    await weightCache.delete(sha256(big));
    expect(await weightCache.list()).toEqual([]);
    await load();
    expect(server.requests.slice(2)).toEqual(['model.safetensors 0']);
    await weightCache.clear();
    await load();
    expect(server.requests.slice(3)).toEqual(['config.json 0', 'model.safetensors 0']);
  });

  it('are not kept where the caller wants none kept', async () => {
    await openCheckpoint(server.url, { retry, cache: false });
    expect(await weightCache.list()).toEqual([]);
  });
});

describe('a download goes on after', () => {
  const breaksOff =
    (after: number) => (request: { path: string; from: number; count: number }, response: import('node:http').ServerResponse) => {
      if (request.path === 'config.json' || request.count !== 2) return false;
      response.writeHead(200, { 'content-length': big.length });
      response.write(big.subarray(0, after), () => response.destroy());
      return true;
    };

  it.each([0, 7000])('a connection that breaks off, from the last whole chunk, %i bytes after it', async (bytes) => {
    server.mischief = breaksOff(CHUNK_BYTES + bytes);
    expect(await load()).toEqual(right);
    expect(server.requests).toEqual(['config.json 0', 'model.safetensors 0', `model.safetensors ${CHUNK_BYTES}`]);
  });

  it('the same at a server without ranges, by skipping what is there', async () => {
    server.ranges = false;
    server.mischief = breaksOff(CHUNK_BYTES + 7000);
    expect(await load()).toEqual(right);
  });

  it('the same at a server whose ranges begin before what was asked for', async () => {
    server.mischief = (request, response) => {
      if (request.from === 0) return breaksOff(CHUNK_BYTES)(request, response);
      const from = request.from - 1000;
      const headers = { 'content-length': big.length - from, 'content-range': `bytes ${from}-${big.length - 1}/${big.length}` };
      return Boolean(response.writeHead(206, headers).end(big.subarray(from)));
    };
    expect(await load()).toEqual(right);
    expect(server.requests.length).toBe(3);
  });

  it('long waiting, as long as there are bytes at its end', async () => {
    hurry(600);
    expect(await load()).toEqual(right);
    expect(server.requests.length).toBe(2);
  });

  it('a stall', async () => {
    server.mischief = ({ path, count }, response) => {
      if (path === 'config.json' || count !== 2) return false;
      response.writeHead(200, { 'content-length': big.length }).write(big.subarray(0, 5000));
      return true;
    };
    expect(await load()).toEqual(right);
  });

  it('a chunk that was damaged on its way', async () => {
    server.mischief = ({ path, count }, response) => {
      if (path === 'config.json' || count !== 2) return false;
      const bad = big.slice();
      bad[CHUNK_BYTES + 3] = 255 - (bad[CHUNK_BYTES + 3] as number);
      response.writeHead(200, { 'content-length': bad.length }).write(bad.subarray(0, -9));
      return true;
    };
    const asked: AbortSignal[] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      expect(asked.slice(1).every(({ aborted }) => aborted)).toBe(true); // the damaged one's connection is let go of
      asked.push(init?.signal as AbortSignal);
      return globalThis.fetch(url, init);
    };
    expect(await load(server.url, undefined, fetch)).toEqual(right);
    expect(server.requests.at(-1)).toBe(`model.safetensors ${CHUNK_BYTES}`);
  });

  it('a busy server, as late as it asks', async () => {
    const at: number[] = [];
    server.mischief = ({ path }, response) => {
      if (path === 'config.json' || at.push(performance.now()) > 3) return false;
      response.writeHead([500, 429, 408][at.length - 1] as number, at.length === 2 ? { 'retry-after': '0.3' } : {}).end();
      return true;
    };
    expect(await load()).toEqual(right);
    expect((at[2] as number) - (at[1] as number)).toBeGreaterThan(290);
  });

  it('an aborted visit: the next one asks only for what is missing', async () => {
    const stop = new AbortController();
    server.mischief = ({ path, from }, response) => {
      if (path === 'config.json' || from > 0) return false;
      response.writeHead(200, { 'content-length': big.length }).write(big.subarray(0, CHUNK_BYTES + 9));
      return true;
    };
    const aborted = expect(load(server.url, stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    await vi.waitFor(async () => expect((await weightCache.list())[0]?.bytes).toBe(CHUNK_BYTES));
    stop.abort();
    await aborted;
    expect((await weightCache.list())[0]?.bytes).toBe(CHUNK_BYTES);
    expect(await load()).toEqual(right);
    expect(server.requests.slice(2)).toEqual([`model.safetensors ${CHUNK_BYTES}`]);
  });

  it('a cache entry that was damaged: that chunk alone is fetched anew', async () => {
    await load();
    const store = await chunkStore();
    const bad = (await store.get(sha256(big), 1))?.slice() as Uint8Array<ArrayBuffer>;
    bad[7] = 255 - (bad[7] as number);
    await store.put(sha256(big), 1, bad);
    expect(await load()).toEqual(right);
    expect(server.requests.slice(2)).toEqual([`model.safetensors ${CHUNK_BYTES}`]);
    expect(await load()).toEqual(right);
    expect(server.requests.length).toBe(3);
  });

  it('weights that were replaced after a download broke off: the failure forgets what they were, and the next visit asks', async () => {
    server.mischief = ({ path, from }, response) => {
      if (path === 'config.json') return false;
      if (from > 0) return Boolean(response.writeHead(404).end());
      response.writeHead(200, { 'content-length': big.length }).write(big.subarray(0, CHUNK_BYTES + 9), () => response.destroy());
      return true;
    };
    await expect(load()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    const port = Number(new URL(server.url).port);
    await server.close();
    const other = fileOf({ a: entry('U8', [4], [0, 4]) }, 4);
    server = await hostedServer({ 'model.safetensors': other }, {}, port);
    expect(await load()).toEqual({ a: sha256(Uint8Array.of(0, 1, 2, 3)) });
  });

  it('the same where the answers are whole: the first visit after it fails, and says so', async () => {
    const store = await chunkStore();
    const port = Number(new URL(server.url).port);
    await load();
    await store.delete(sha256(big));
    await server.close();
    server = await hostedServer({ 'model.safetensors': fileOf({ a: entry('U8', [4], [0, 4]) }, 4) }, {}, port);
    await expect(load()).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(/not of one version/) });
    expect(await load()).toEqual({ a: sha256(Uint8Array.of(0, 1, 2, 3)) });
  });

  it('a store that is full: nothing is kept, and nothing is lost', async () => {
    const store = await chunkStore();
    const put = store.put;
    store.put = async () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    try {
      expect(await load()).toEqual(right);
      expect(await weightCache.list()).toEqual([]);
    } finally {
      store.put = put;
    }
  });

  it.each([true, false])('silence that is to be waited for without end, kept: %s', async (cache) => {
    server.mischief = ({ path }, response) => {
      if (path === 'config.json') return false;
      setTimeout(() => response.end(big), 30);
      return true;
    };
    const checkpoint = await openCheckpoint(server.url, { cache, retry: { tries: 1, stall: Number.POSITIVE_INFINITY } });
    for await (const { info, data } of checkpoint.read()) expect(sha256(data)).toBe(right[info.name as keyof typeof right]);
  });
});

describe('a step', () => {
  it.each([
    [0, 100, [0, 75, 225, 525]],
    [1, 100, [0, 125, 375, 875]],
    [1, Number.POSITIVE_INFINITY, [0, 1, 2, 3].map((tries) => tries * (2 ** 31 - 1))], // as long as timers can, and not at once
  ])('is tried again after twice the time as before, by chance %i, from %s ms on', async (chance, delay, expected) => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(chance);
    try {
      const begun = Date.now();
      const tried: number[] = [];
      const error = new FaceXFormerError('WEIGHTS_UNREACHABLE', 'gone');
      const step = async () => {
        tried.push(Date.now() - begun);
        throw new Passing(error);
      };
      const failed = patiently(step, undefined, { delay }).catch((reason: unknown) => reason);
      await vi.runAllTimersAsync();
      expect(await failed).toBe(error);
      expect(tried).toEqual(expected);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a download fails with the right error on', () => {
  const always = (answer: (response: import('node:http').ServerResponse, from: number) => void) => {
    server.mischief = ({ path, from }, response) => {
      if (path === 'config.json') return false;
      answer(response, from);
      return true;
    };
  };
  const broken = (r: import('node:http').ServerResponse) => r.write(big.subarray(0, CHUNK_BYTES + 9), () => r.destroy());
  const part = (r: import('node:http').ServerResponse, from: number, length: number) =>
    r.writeHead(206, { 'content-range': `bytes ${from}-${length - 1}/${length}` }).end(big.subarray(from));
  const cases: Record<string, [arrange: () => void, code: string, says: RegExp, tries: number]> = {
    'a missing file': [() => always((r) => r.writeHead(404).end()), 'WEIGHTS_UNREACHABLE', /answered 404/, 1],
    'a server that stays busy': [() => always((r) => r.writeHead(503).end()), 'WEIGHTS_UNREACHABLE', /answered 503/, 4],
    'connections that always break off': [() => always((r) => r.destroy()), 'WEIGHTS_UNREACHABLE', /could not be fetched/, 4],
    'bytes that drip without end, behind some that came at once': [
      () => {
        hurry(600);
        always((r) => {
          r.writeHead(200).write(big.subarray(0, 9000));
          const drip = setInterval(() => r.write('x'), 5);
          r.on('close', () => clearInterval(drip));
        });
      },
      'WEIGHTS_UNREACHABLE',
      /only \d+ bytes came in 1 s/,
      4,
    ],
    'stalls without end': [() => always((r) => r.writeHead(200).write('x')), 'WEIGHTS_UNREACHABLE', /no byte came for 0\.5 s/, 4],
    'a web page': [
      () => always((r) => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>')),
      'BAD_WEIGHTS_FILE',
      /web page/,
      1,
    ],
    'bytes that stay damaged': [() => always((r) => r.end(big.map((b) => b ^ 1))), 'BAD_WEIGHTS_FILE', /SHA-256/, 4],
    'a part of a file of another length': [
      () => always((r, from) => (from > 0 ? part(r, from, big.length + 1) : broken(r))),
      'BAD_WEIGHTS_FILE',
      /not of one version/,
      2,
    ],
    'a later part than was asked for': [
      () => always((r, from) => (from > 0 ? part(r, from + 1, big.length) : broken(r))),
      'WEIGHTS_UNREACHABLE',
      /request from byte 65536 with bytes from 65537 on/,
      2,
    ],
    'a file of another length': [() => always((r) => r.end(big.subarray(1))), 'BAD_WEIGHTS_FILE', /not of one version/, 1],
    'a file that is cut off': [() => always((r) => r.write(big.subarray(0, 99), () => r.end())), 'WEIGHTS_UNREACHABLE', /ended at byte/, 4],
  };
  it.each(Object.entries(cases))('%s', async (_, [arrange, code, says, tries]) => {
    arrange();
    await expect(load()).rejects.toMatchObject({ name: 'FaceXFormerError', code, message: expect.stringMatching(says) });
    expect(server.requests.length).toBe(1 + tries);
    server.mischief = () => false;
    expect(await load()).toEqual(right);
  });

  const plain = { name: 'x', bytes: 1, sha256: '0'.repeat(64), chunks: ['0'.repeat(64)] };
  const listed = (...files: object[]) => JSON.stringify({ chunk_bytes: 65536, files: files.map((file) => ({ ...plain, ...file })) });
  it.each([
    ['no JSON', 'hello', /not JSON/],
    ['no object', 'null', /no files/],
    ['no files', '{"chunk_bytes":65536,"files":[]}', /no files/],
    ['another chunk length', '{"chunk_bytes":5,"files":[{}]}', /chunk_bytes/],
    ['more files than there may be', listed(...Array(1001).fill({})), /no files/],
    ['a file in another folder', listed({ name: '../x' }), /plain name/],
    ['a file in a folder of it', listed({ name: 'x/y' }), /plain name/],
    ['a file of no length', listed({ bytes: '1' }), /x has no bytes/],
    ['a file of part of a byte', listed({ bytes: 0.5 }), /x has no bytes/],
    ['a file of another hash', listed({ sha256: 'A'.repeat(64) }), /x has no bytes or sha256/],
    ['too few chunks', listed({ chunks: [] }), /sha256 of each chunk/],
    ['a chunk of no hash', listed({ bytes: 65537, chunks: ['0'.repeat(64), '0'] }), /sha256 of each chunk/],
    ['a web page', '<!doctype html>', /not JSON/],
    ['more than 4 MB', ' '.repeat(4 * 1024 * 1024 + 1), /longer than/],
  ])('a config.json of %s', async (_, text, says) => {
    server.mischief = (_, response) => Boolean(response.end(text));
    await expect(load()).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(says) });
    server.mischief = () => false;
    expect(await load()).toEqual(right);
  });

  it('not on a config.json whose connection breaks off once', async () => {
    server.mischief = ({ count }, response) =>
      count === 1 && Boolean(response.writeHead(200, { 'content-length': 900 }).write('{', () => response.destroy()));
    expect(await load()).toEqual(right);
  });

  it('a config.json that is missing, and an address that is none', async () => {
    await expect(load(`${server.url}elsewhere/`)).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    await expect(load('relative/')).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
  });
});
