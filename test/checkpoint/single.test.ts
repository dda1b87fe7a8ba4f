/** A single file of weights by its address: the second visit downloads nothing, unless the file is another. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { weightCache } from '../../src/checkpoint/cache.ts';
import { type OpenOptions, openCheckpoint } from '../../src/checkpoint/open.ts';
import { isSame, namesOf } from '../../src/checkpoint/single.ts';
import { chunkStore } from '../../src/checkpoint/store.ts';
import { entry, fileOf } from './files.ts';
import { CHUNK_BYTES, hostedServer, sha256 } from './hosted-server.ts';

const LENGTH = 16 * 1024 * 1024 + 1000; // more than a chunk
const filled = (seed: number) =>
  fileOf(
    { w: entry('U8', [LENGTH], [0, LENGTH]) },
    new Uint8Array(LENGTH).map((_, i) => (i * seed) & 255),
  );
const file = filled(31);
const other = filled(37);

let server: Server;
let url: string;
/** Method, path and headers of what was asked, and the bytes of bodies that were sent. */
let requests: string[];
let sent: number;
let served: Uint8Array;
let answer: (request: IncomingMessage, response: ServerResponse) => boolean;
let validators: Record<string, string>;

beforeEach(async () => {
  await weightCache.clear();
  [requests, sent, served, validators, answer] = [[], 0, file, { etag: '"one"' }, () => false];
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (answer(request, response)) return;
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = served.subarray(from);
    const range = from > 0 ? { 'content-range': `bytes ${from}-${served.length - 1}/${served.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { ...validators, ...range, 'content-length': body.length });
    if (request.method === 'HEAD') return void response.end();
    sent += body.length;
    response.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w.safetensors`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function load(address: string | URL = url, options: OpenOptions = {}): Promise<string> {
  const checkpoint = await openCheckpoint(address, { retry: { tries: 1, delay: 1 }, ...options });
  let hash = '';
  for await (const { data } of checkpoint.read()) hash = sha256(data);
  return hash;
}
const hashOf = (bytes: Uint8Array) => sha256(bytes.subarray(bytes.length - LENGTH));

/** As servers say it of a page whose length they know. */
const PAGE = { 'content-type': 'text/html; charset=utf-8', 'content-length': 21, etag: '"page"' };

describe('a single file', () => {
  it('is downloaded once: later visits ask whether it is the same, and get no byte', async () => {
    expect(await load()).toBe(hashOf(file));
    expect(sent).toBe(file.length);
    expect(await weightCache.list()).toEqual([{ address: url, bytes: file.length }]);
    for (const again of [url, new URL(url)]) expect(await load(again)).toBe(hashOf(file));
    expect(sent).toBe(file.length);
    expect(requests).toEqual(['GET /w.safetensors', 'HEAD /w.safetensors', 'HEAD /w.safetensors']);
  });

  it('is downloaded anew where it is another, and the old one is forgotten', async () => {
    await load();
    [served, validators] = [other, { etag: '"two"' }];
    expect(await load()).toBe(hashOf(other));
    expect(await load()).toBe(hashOf(other));
    expect(sent).toBe(2 * file.length);
    expect(await weightCache.list()).toEqual([{ address: url, bytes: file.length }]);
    [served, validators] = [fileOf({ w: entry('U8', [1], [0, 1]) }, 1), {}]; // told by its length alone
    expect(await load()).toBe(sha256(Uint8Array.of(0)));
  });

  it.each<[string, Record<string, string>, Record<string, string>, boolean]>([
    ['the date', { 'last-modified': 'a' }, { 'last-modified': 'b' }, false],
    ['the date, the rest being the same', { etag: '1', 'last-modified': 'a' }, { etag: '1', 'last-modified': 'b' }, false],
    ['less than before', { etag: '1', 'last-modified': 'a' }, { 'last-modified': 'a' }, true],
    ['more than before', { 'last-modified': 'a' }, { etag: '1', 'last-modified': 'a' }, true],
    ['nothing', {}, {}, true],
  ])('is told from another by %s', (_, before, now, same) => {
    const version = (headers: Record<string, string>) => ({ etag: headers['etag'], modified: headers['last-modified'] });
    expect(isSame(version(before), version(now))).toBe(same);
  });

  it.each<[string, number, Record<string, string>, boolean]>([
    ['is not told by a date of this minute', 50_000, {}, true],
    ['is not told by a weak ETag beside it', 0, { etag: 'W/"one"' }, true],
    ['is told by an ETag', 0, { etag: '"one"' }, false],
    ['is told by a date that lies back', 62_000, {}, false],
  ])('that changes within a second %s', async (_, age, told, anew) => {
    validators = { ...told, 'last-modified': new Date(Date.now() - age).toUTCString() };
    await load();
    served = other;
    expect(await load()).toBe(hashOf(anew ? other : file));
  });

  it('is there without the network, and while the server is out of order', async () => {
    await load();
    const offline = async () => Promise.reject(new TypeError('Failed to fetch'));
    expect(await load(url, { fetch: offline })).toBe(hashOf(file));
    for (const [status, type] of [
      [200, 'text/html'],
      [503, 'text/plain'],
      [511, 'text/html'],
    ] as const) {
      answer = (_, response) => Boolean(response.writeHead(status, { 'content-type': type }).end('<title>log in</title>'));
      expect(await load()).toBe(hashOf(file));
    }
  });

  it.each([{}, { 'content-type': 'text/html' }])('is asked for where HEAD is refused, by %o, and the answer is left', async (says) => {
    await load();
    answer = ({ method }, response) => method === 'HEAD' && Boolean(response.writeHead(405, says).end());
    const put = vi.spyOn(await chunkStore(), 'put');
    expect(await load()).toBe(hashOf(file));
    expect(put).not.toHaveBeenCalled();
    put.mockRestore();
    answer = ({ method }, response) =>
      Boolean(method === 'HEAD' ? response.writeHead(405, says).end() : response.writeHead(200, PAGE).end('<title>log in</title>'));
    expect(await load()).toBe(hashOf(file)); // of a network that wants one to log in
    answer = ({ method }, response) => method === 'HEAD' && Boolean(response.writeHead(405, says).end());
    [served, validators] = [other, { etag: '"two"' }];
    expect(await load()).toBe(hashOf(other));
  });

  it('that came in part is taken for no whole one', async () => {
    answer = (_, response) => {
      response.writeHead(200, validators).write(file.subarray(0, LENGTH / 2), () => response.destroy());
      return true;
    };
    await expect(load()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    answer = ({ method }, response) => method === 'GET' && Boolean(response.writeHead(200, validators).end(file.subarray(0, -5)));
    await expect(load()).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE' });
    answer = () => false;
    expect(await load()).toBe(hashOf(file));
    expect(sent).toBe(file.length);
  });

  it('that is aborted on its way, before a chunk is whole, begins anew', async () => {
    const stop = new AbortController();
    const checkpoint = await openCheckpoint(url, { signal: stop.signal });
    const reading = (async () => {
      for await (const _ of checkpoint.read({ signal: stop.signal, onProgress: (now) => now > LENGTH / 2 && stop.abort() }));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await load()).toBe(hashOf(file));
    expect(requests.filter((one) => one.startsWith('GET')).length).toBe(2);
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['begins anew by a weak ETag, which two versions may share', { etag: 'W/"one"' }, false],
    ['begins anew where nothing tells of its version', {}, false],
    ['goes on by its date', { 'last-modified': 'Sat, 01 Nov 2025 10:00:00 GMT' }, true],
  ])('whose connection broke off %s', async (_, told, goesOn) => {
    validators = told;
    answer = (_, response) => {
      response.writeHead(200, { ...validators, 'content-length': file.length });
      response.write(file.subarray(0, 16 * 1024 * 1024 + 700), () => setTimeout(() => response.destroy(), 50));
      return true;
    };
    await expect(load()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    answer = () => false;
    served = goesOn ? file : other;
    expect(await load()).toBe(hashOf(served));
    expect(sent).toBe(file.length - (goesOn ? 16 * 1024 * 1024 : 0));
  });

  describe('whose connection broke off', () => {
    const CHUNK = 16 * 1024 * 1024;
    beforeEach(async () => {
      answer = (_, response) => {
        response.writeHead(200, { ...validators, 'content-length': file.length });
        response.write(file.subarray(0, CHUNK + 700), () => setTimeout(() => response.destroy(), 50));
        return true;
      };
      await expect(load()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
      answer = () => false;
      expect(await weightCache.list()).toEqual([{ address: url, bytes: CHUNK }]);
    });

    it('goes on from its last whole chunk, and is then whole', async () => {
      for (let visit = 0; visit < 2; visit++) expect(await load()).toBe(hashOf(file));
      expect(sent).toBe(file.length - CHUNK);
      expect(await weightCache.list()).toEqual([{ address: url, bytes: file.length }]);
    });

    it.each<[string, () => void]>([
      [
        'that is another file by now',
        () => {
          [served, validators] = [other, { etag: '"two"' }];
        },
      ],
      [
        'of whose version nothing is told any more',
        () => {
          [served, validators] = [other, {}];
        },
      ],
      [
        'at a server that gives other ranges than asked for',
        () => {
          served = other;
          answer = ({ headers }, response) =>
            headers.range !== undefined &&
            Boolean(response.writeHead(206, { etag: '"one"', 'content-range': `bytes 9-10/${file.length}` }).end('ab'));
        },
      ],
      [
        'at a server without ranges',
        () => {
          served = other;
          answer = ({ method }, response) =>
            method === 'GET' && Boolean(response.writeHead(200, { ...validators, 'content-length': other.length }).end(other));
        },
      ],
    ])('begins anew %s', async (_, change) => {
      change();
      expect(await load()).toBe(hashOf(other));
      expect(await load()).toBe(hashOf(other));
    });

    it('begins anew at another origin that does not let ranges be asked for', async () => {
      const fetch: typeof globalThis.fetch = (url, init) =>
        new Headers(init?.headers).has('range') ? Promise.reject(new TypeError('Failed to fetch')) : globalThis.fetch(url, init);
      expect(await load(url, { fetch })).toBe(hashOf(file));
      expect(sent).toBe(file.length);
    });

    it('begins anew where what was kept of it is damaged', async () => {
      const store = await chunkStore();
      await store.put((await namesOf(url)).chunks, 0, new Uint8Array(CHUNK));
      expect(await load()).toBe(hashOf(file));
    });
  });

  it('of which a chunk is gone while there is no network is not forgotten', async () => {
    await load();
    const store = await chunkStore();
    const { chunks } = await namesOf(url);
    await store.put(chunks, 1, new Uint8Array(9));
    await expect(load(url, { fetch: () => Promise.reject(new TypeError('Failed to fetch')) })).rejects.toMatchObject({
      code: 'WEIGHTS_UNREACHABLE',
    });
    const before = sent;
    expect(await load()).toBe(hashOf(file));
    expect(sent - before).toBe(file.length - 16 * 1024 * 1024);
  });

  it('a chunk of which was damaged in the store is fetched anew, and only that', async () => {
    await load();
    const store = await chunkStore();
    const { chunks } = await namesOf(url);
    await store.put(chunks, 1, new Uint8Array(9));
    const before = sent;
    expect(await load()).toBe(hashOf(file));
    expect(sent - before).toBe(file.length - 16 * 1024 * 1024);
  });

  it('is forgotten by its address, and with all', async () => {
    for (const forget of [() => weightCache.delete(url), () => weightCache.delete(`${url}?token=SECRET`), () => weightCache.clear()]) {
      await load();
      await forget();
      expect(await weightCache.list()).toEqual([]);
    }
    await load(url, { cache: false });
    expect(await weightCache.list()).toEqual([]);
    expect((await (await chunkStore()).list()).size).toBe(0);
  });

  it('is one with its query, which is not written down', async () => {
    await load(`${url}?token=SECRET`);
    expect(JSON.stringify(await weightCache.list())).not.toContain('SECRET');
    served = other;
    expect(await load(`${url}?token=OTHER`)).toBe(hashOf(other));
    expect(await load(`${url}?token=OTHER`)).toBe(hashOf(other));
    expect(sent).toBe(2 * file.length);
  });

  it('is waited for by another load for as long as it gets further', async () => {
    const patience = { retry: { tries: 1, stall: 500 } };
    let other: Promise<string> | undefined;
    answer = ({ method }, response) => {
      if (method === 'HEAD') return false;
      other ??= load(url, patience);
      response.writeHead(200, { ...validators, 'content-length': file.length });
      setTimeout(() => response.write(file.subarray(0, 16 * 1024 * 1024)), 50);
      setTimeout(() => response.end(file.subarray(16 * 1024 * 1024)), 750);
      return true;
    };
    expect(await load(url, patience)).toBe(hashOf(file));
    expect(await other).toBe(hashOf(file));
    expect(requests.filter((one) => one.startsWith('GET')).length).toBe(1);
  });

  it('goes by a fetch of the own, which is kept under the address that is given', async () => {
    const fetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(`${input}?signature=${Math.random()}`, init);
    expect(await load(url, { fetch })).toBe(hashOf(file));
    expect(await load(url, { fetch })).toBe(hashOf(file));
    expect(sent).toBe(file.length);
    expect(requests.every((request) => request.includes('?signature='))).toBe(true);
    await expect(load(url, { fetch: 'x' as never })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('hosted shards', () => {
  const shard = (name: string, length: number) => fileOf({ [name]: entry('U8', [length], [0, length]) }, length);
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const seven = Object.fromEntries(names.map((name, i) => [`model-${i}.safetensors`, shard(name, 3 * CHUNK_BYTES + i)]));
  const three = Object.fromEntries(Object.entries(seven).slice(0, 3));

  // Without headers and without a cache there is no place where those that are more than connections could wait.
  it.each([
    { told: true, cache: true, shards: seven },
    { told: true, cache: false, shards: seven },
    { told: false, cache: true, shards: seven },
    { told: false, cache: false, shards: three },
  ])('are asked for once of a server without ranges, and told from the first bytes on: $told, $cache', async ({ told, cache, shards }) => {
    await weightCache.clear();
    const hosted = await hostedServer(shards, {}, 0, told);
    try {
      hosted.ranges = false;
      const steps: number[] = [];
      const opened: number[] = [];
      const checkpoint = await openCheckpoint(hosted.url, { cache, onProgress: (now, total) => opened.push(now / total) });
      if (told) expect(hosted.requests).toEqual(['config.json 0']);
      else expect(opened.length).toBeGreaterThan(2);
      const found: string[] = [];
      for await (const { info } of checkpoint.read({ onProgress: (now, total) => steps.push(now / total) })) found.push(info.name);
      expect(found).toEqual(names.slice(0, found.length));
      expect(hosted.requests.toSorted()).toEqual(['config.json 0', ...Object.keys(shards).map((name) => `${name} 0`)]);
      for (const all of [opened, steps]) expect(all).toEqual(all.toSorted((a, b) => a - b));
      expect(steps.length).toBeGreaterThan(3 * found.length); // as chunks arrive
      if (!told) expect(steps[0]).toBeGreaterThan(0); // what came while it was opened
      expect(steps.at(-1)).toBe(1);
      if (!cache) return;
      for await (const _ of (await openCheckpoint(hosted.url)).read());
      expect(hosted.requests.length).toBe(1 + found.length); // nothing on the second visit
    } finally {
      await hosted.close();
    }
  });

  it('that are not what config.json says of them are refused, by their header or by their chunks', async () => {
    const files = { 'model-0.safetensors': shard('a', 9), 'model-1.safetensors': shard('b', 9) };
    for (const wrong of ['{"x":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}} ', '{', '', 7]) {
      await weightCache.clear();
      const hosted = await hostedServer(files);
      const { chunk_bytes, files: listed } = await (await fetch(`${hosted.url}config.json`)).json();
      const config = JSON.stringify({ chunk_bytes, files: listed.map((file: object) => ({ ...file, header: wrong })) });
      const other = await hostedServer(files, { 'config.json': ['application/json', config] });
      const reading = async () => {
        for await (const _ of (await openCheckpoint(other.url, { cache: false })).read());
      };
      await expect(reading(), String(wrong)).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE' });
      await Promise.all([hosted.close(), other.close()]);
    }
  });

  it('tell of a chunk before all of it is there', async () => {
    const hosted = await hostedServer({ 'model.safetensors': shard('a', 2 * CHUNK_BYTES) });
    try {
      const whole = shard('a', 2 * CHUNK_BYTES);
      let go = () => {};
      hosted.mischief = ({ path }, response) => {
        if (path === 'config.json') return false;
        response.writeHead(200, { 'content-length': whole.length }).write(whole.subarray(0, 1000));
        go = () => response.end(whole.subarray(1000));
        return true;
      };
      const told: number[] = [];
      const opening = openCheckpoint(hosted.url, {
        cache: false,
        onProgress: (now) => {
          if (told.push(now) === 1) go();
        },
      });
      await opening;
      expect(told[0]).toBe(1000);
    } finally {
      await hosted.close();
    }
  });
});
