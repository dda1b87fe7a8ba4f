import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Checkpoint, ReadOptions } from '../../src/checkpoint/checkpoint.ts';
import { openCheckpoint, type WeightsSource } from '../../src/checkpoint/open.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { entry, fileOf, piecewise } from './files.ts';

const file = fileOf({ a: entry('F32', [5], [0, 20]), empty: entry('F32', [0], [20, 20]), b: entry('U8', [3], [20, 23]) }, 23);
const values = { a: Array.from({ length: 20 }, (_, i) => i), empty: [], b: [20, 21, 22] };

async function readAll(checkpoint: Checkpoint, options?: ReadOptions): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for await (const { info, data } of checkpoint.read(options)) found[info.name] = [...data];
  return found;
}

const openAndRead = async (source: WeightsSource, signal?: AbortSignal) => readAll(await openCheckpoint(source, { signal }), { signal });

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.safetensors`;
}

describe('a checkpoint opens from', () => {
  const shifted = new Uint8Array(file.length + 3).subarray(3);
  shifted.set(file);
  const sources: Record<string, { make: () => WeightsSource; rereadable: boolean; name: string }> = {
    'an ArrayBuffer': { make: () => file.buffer, rereadable: true, name: 'bytes' },
    'a Uint8Array in the middle of a buffer': { make: () => shifted, rereadable: true, name: 'bytes' },
    'a Buffer out of a pool': { make: () => Buffer.concat([Buffer.from('odd'), file]).subarray(3), rereadable: true, name: 'bytes' },
    'a Blob': { make: () => new Blob([file]), rereadable: true, name: 'blob' },
    'a File': { make: () => new File([file], 'face.safetensors'), rereadable: true, name: 'face.safetensors' },
    'a Response': { make: () => new Response(file), rereadable: false, name: 'response' },
    'a stream of single bytes': { make: () => piecewise(file, 1), rereadable: false, name: 'stream' },
    'a stream of sevens': { make: () => piecewise(file, 7), rereadable: false, name: 'stream' },
    'a stream of one piece': { make: () => piecewise(file, file.length), rereadable: false, name: 'stream' },
  };

  it.each(Object.entries(sources))('%s', async (kind, { make, rereadable, name }) => {
    const checkpoint = await openCheckpoint(make());
    expect(checkpoint).toMatchObject({ source: name, rereadable });
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'empty', 'b']);
    const steps: number[] = [];
    expect(await readAll(checkpoint, { onProgress: (loaded, total) => steps.push(loaded / total) })).toEqual(values);
    expect(steps.at(-1)).toBe(1);
    expect(new Set(steps).size > 2).toBe(/single bytes|sevens/.test(kind)); // as the bytes come
    expect([...steps].sort((a, b) => a - b)).toEqual(steps);
    if (rereadable) expect(await readAll(checkpoint)).toEqual(values);
    else await expect(readAll(checkpoint)).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining('only once') });
  });

  it('an address, a URL and a Request, each fetched once a reading', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.end(file);
    });
    for (const source of [url, new URL(url), new Request(url)]) {
      requests = 0;
      const totals: number[] = [];
      const checkpoint = await openCheckpoint(source, { cache: false, onProgress: (_, total) => totals.push(total) });
      expect(new Set(totals)).toEqual(new Set([file.length]));
      expect(checkpoint).toMatchObject({ source: url, rereadable: true });
      expect(await readAll(checkpoint)).toEqual(values);
      expect(requests).toBe(1);
      expect(await readAll(checkpoint)).toEqual(values);
      expect(requests).toBe(2);
    }
    expect((await openCheckpoint(`${url}?token=secret#x`)).source).toBe(url);
  });

  it('an answer without a length, and an encoded one', async () => {
    const { gzipSync } = await import('node:zlib');
    const url = await serve((request, response) => {
      if (request.headers['x-plain']) response.write(file);
      else response.setHeader('content-encoding', 'gzip').write(gzipSync(file));
      response.end();
    });
    expect(await openAndRead(new Request(url, { headers: { 'x-plain': '1' } }))).toEqual(values);
    expect(await openAndRead(url)).toEqual(values);
  });
});

it('needs no fetch but for addresses', async () => {
  vi.stubGlobal('fetch', undefined); // as in jsdom
  expect(await openAndRead(file)).toEqual(values);
  await expect(openCheckpoint('http://localhost/w.safetensors', { cache: false })).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
  vi.unstubAllGlobals();
});

it('without a secure context, which alone makes hashes, reads a file that is not kept, and no hosted weights', async () => {
  vi.stubGlobal('crypto', {});
  const fetch = async () => new Response(file);
  expect(await readAll(await openCheckpoint('http://192.168.0.2/w.safetensors', { fetch }))).toEqual(values);
  await expect(openCheckpoint('http://192.168.0.2/folder/', { fetch })).rejects.toMatchObject({ code: 'WEBGPU_UNAVAILABLE' });
  vi.unstubAllGlobals();
});

it.each(['w.safetensors', 'folder/'])('a body that is no stream of the web, as other libraries give it, is no answer: %s', async (name) => {
  const answer = { ok: true, status: 200, headers: new Headers() };
  for (const body of [Readable.from([file]), undefined])
    await expect(
      openCheckpoint(`https://example.org/${name}`, { fetch: async () => ({ ...answer, body }) as never, retry: { tries: 1 } }),
    ).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE', message: expect.stringMatching(/`fetch` gave no Response/) });
});

describe('what cannot be read is refused', () => {
  const cases: Record<string, [source: () => WeightsSource, code: string, says: RegExp]> = {
    'bytes cut short': [() => file.slice(0, -1), 'BAD_WEIGHTS_FILE', /cut short/],
    'bytes with a tail': [() => fileOf({ a: entry('U8', [1], [0, 1]) }, 2), 'BAD_WEIGHTS_FILE', /after its last/],
    'a stream cut short': [() => piecewise(file.slice(0, -1), 5), 'BAD_WEIGHTS_FILE', /cut short: it has \d+ bytes/],
    'a stream with a tail': [() => piecewise(Uint8Array.from([...file, 0]), 5), 'BAD_WEIGHTS_FILE', /after its last/],
    'a stream that ends in its header': [() => piecewise(file.slice(0, 40), 5), 'BAD_WEIGHTS_FILE', /ends within its header, at byte 40/],
    'a stream that ends in its length': [() => piecewise(file.slice(0, 5), 5), 'BAD_WEIGHTS_FILE', /5 bytes/],
    'an empty Blob': [() => new Blob([]), 'BAD_WEIGHTS_FILE', /0 bytes/],
    'a web page': [
      () => new File(['<!doctype html><p>App'], 'w.safetensors'),
      'BAD_WEIGHTS_FILE',
      /w\.safetensors is a web page.*: check the address that it comes from/,
    ],
    'a web page of no name': [() => new Response('<!doctype html><p>App'), 'BAD_WEIGHTS_FILE', /: it is a web page/],
    'a failed Response': [
      () => new Response('no', { status: 404, statusText: 'Not Found' }),
      'WEIGHTS_UNREACHABLE',
      /answered 404 Not Found/,
    ],
    'a stream that fails': [() => new ReadableStream({ pull: () => Promise.reject(new Error('cable')) }), 'WEIGHTS_UNREACHABLE', /cable/],
    'a stream of text': [() => new Blob(['{}']).stream().pipeThrough(new TextDecoderStream()) as never, 'BAD_OPTION', /Uint8Array/],
    'a number': [() => 7 as never, 'BAD_OPTION', /given as 7/],
    null: [() => null as never, 'BAD_OPTION', /null/],
    ...Object.fromEntries(
      ['Blob', 'File', 'Request', 'Response', 'ReadableStream'].map((kind) => [
        `what only calls itself a ${kind}`,
        [() => ({ [Symbol.toStringTag]: kind, name: 'w', url: 'https://x.org/w' }) as never, 'BAD_OPTION', /weights cannot be read/],
      ]),
    ),
    'an address that is none': [() => 'http://[', 'WEIGHTS_UNREACHABLE', /Could not fetch/],
    'an address where nobody listens': [() => 'http://127.0.0.1:9/w.safetensors', 'WEIGHTS_UNREACHABLE', /Could not fetch/],
  };

  it.each(Object.entries(cases))('%s', async (_, [source, code, says]) => {
    const failure = openAndRead(source());
    await expect(failure).rejects.toBeInstanceOf(FaceXFormerError);
    await expect(failure).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
  });

  it('a stream that claims more than there is memory, without asking for that memory', async () => {
    const huge = fileOf({ a: entry('U8', [2 ** 46], [0, 2 ** 46]) }, 100);
    await expect(openAndRead(piecewise(huge, 64))).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/cut short/),
    });
  });

  it('nothing, where its signal is aborted before it is read: a stream is let go of', async () => {
    const stop = new AbortController();
    const cancel = vi.fn();
    let given = false;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (!given) controller.enqueue(file.slice(0, -1));
      given = true;
    };
    const stream = new ReadableStream<Uint8Array>({ pull, cancel });
    await openCheckpoint(stream, { signal: stop.signal });
    expect(cancel).not.toHaveBeenCalled();
    stop.abort();
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledTimes(1));
  });

  it.each([[undefined], [{}], ['text'], [null]])('%j as what `fetch` answers', async (answer) => {
    for (const url of ['https://example.org/w.safetensors', 'https://example.org/hosted/'])
      await expect(openCheckpoint(url, { cache: false, retry: { tries: 1 }, fetch: async () => answer as never })).rejects.toMatchObject({
        code: 'WEIGHTS_UNREACHABLE',
      });
  });

  it.each(['file.safetensors', 'folder/'])('what was read already as what `fetch` answers, of %s', async (name) => {
    const read = new Response('{}');
    await read.text();
    const opening = openCheckpoint(`https://example.org/${name}`, { fetch: async () => read, retry: { tries: 1 } });
    await expect(opening).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE', message: expect.stringContaining('has been read already') });
  });

  it('a Response read already, and a locked stream', async () => {
    const response = new Response(file);
    await response.arrayBuffer();
    await expect(openCheckpoint(response)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    const stream = piecewise(file, 5);
    stream.getReader();
    await expect(openCheckpoint(stream)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('an answer that breaks off, and one that changes between readings', async () => {
    let requests = 0;
    const other = fileOf({ a: entry('F32', [5], [0, 20]), empty: entry('F32', [0], [20, 20]), c: entry('U8', [3], [20, 23]) }, 23);
    const url = await serve((request, response) => {
      if (request.url?.endsWith('?breaks')) {
        response.setHeader('content-length', file.length).write(file.slice(0, 150));
        setTimeout(() => response.destroy(), 20);
      } else response.end(requests++ === 0 ? file : other);
    });
    await expect(openAndRead(`${url}?breaks`)).rejects.toMatchObject({
      code: 'WEIGHTS_UNREACHABLE',
      message: expect.stringMatching(/broke off/),
    });
    const checkpoint = await openCheckpoint(url, { cache: false });
    await readAll(checkpoint);
    await expect(readAll(checkpoint)).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/changed between/),
    });
  });
});

describe('an abort', () => {
  it('before opening', async () => {
    await expect(openCheckpoint(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('ends a fetch, a header and a tensor that never come', async () => {
    const url = await serve((request, response) => {
      if (request.url?.endsWith('?answer')) return;
      response.setHeader('content-length', file.length).write(file.slice(0, request.url?.endsWith('?header') ? 20 : file.length - 10));
    });
    for (const part of ['answer', 'header', 'tensor']) {
      const reason = new Error('enough');
      const stop = new AbortController();
      setTimeout(() => stop.abort(reason), 50);
      await expect(openAndRead(`${url}?${part}`, stop.signal), part).rejects.toMatchObject({ code: 'ABORTED' });
    }
  });

  it.each(['file.safetensors', 'folder/'])(
    'ends a fetch of the app’s own that does not hear it, of %s, and lets go of what it answers',
    async (name) => {
      const cancel = vi.fn();
      let answer = (_: Response) => {};
      for (const cache of [true, false]) {
        const stop = new AbortController();
        const fetch = () => {
          setTimeout(() => stop.abort());
          return new Promise<Response>((resolve) => (answer = resolve));
        };
        const opening = openCheckpoint(`https://example.org/${name}`, { fetch, cache, signal: stop.signal });
        await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
        answer(new Response(new ReadableStream({ cancel })));
      }
      await vi.waitFor(() => expect(cancel).toHaveBeenCalledTimes(2));
    },
  );

  it('ends a stream that gives empty pieces and no others', async () => {
    const stop = new AbortController();
    const cancel = vi.fn();
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(0)), cancel }, { highWaterMark: 0 });
    setTimeout(() => stop.abort(), 5);
    await expect(openCheckpoint(stream, { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(cancel).toHaveBeenCalledOnce();
  });

  it('ends a reading whose stream stalls, cancels the stream, and a later reading is right', async () => {
    const cancel = vi.fn();
    const stalls = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(file.slice(0, -3)), cancel });
    const checkpoint = await openCheckpoint(stalls);
    await expect(readAll(checkpoint, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(cancel).toHaveBeenCalledOnce();
    const again = await openCheckpoint(new Blob([file]));
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of again.read({ signal: stop.signal })) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readAll(again)).toEqual(values);
  });

  it('is not needed to stop early: leaving the loop cancels the stream', async () => {
    const cancel = vi.fn();
    const stream = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(file), cancel });
    for await (const _ of (await openCheckpoint(stream)).read()) break;
    expect(cancel).toHaveBeenCalledOnce();
  });
});

it('a Blob of several megabytes is read in its order', async () => {
  const length = 3 * 2 ** 20 + 5;
  const data = new Uint8Array(length).map((_, i) => (i * 31 + (i >> 12)) & 255);
  const checkpoint = await openCheckpoint(new Blob([fileOf({ a: entry('U8', [length], [0, length]) }, data)]));
  for await (const { data: read } of checkpoint.read()) expect(Buffer.compare(read, data)).toBe(0);
});

it('holds one tensor at a time: its buffer is used again', async () => {
  const list = Object.fromEntries(
    Array.from({ length: 16 }, (_, i) => [`t${i}`, entry('U8', [2 ** 20], [i * 2 ** 20, (i + 1) * 2 ** 20])]),
  );
  const big = fileOf(list, new Uint8Array(2 ** 24));
  const buffers = new Set<ArrayBufferLike>();
  for await (const { data } of (await openCheckpoint(piecewise(big, 50_000))).read()) buffers.add(data.buffer);
  // One while it grows to the first tensor, one thereafter.
  expect(buffers.size).toBeLessThanOrEqual(2);
});
