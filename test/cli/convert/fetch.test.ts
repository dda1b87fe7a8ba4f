import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAddress } from '../../../cli/convert/http.ts';
import { type FetchOptions, fetchWeights, OFFICIAL } from '../../../cli/convert/official.ts';
import { openCheckpoint } from '../../../src/checkpoint/open.ts';
import { sha256 } from '../../checkpoint/hosted-server.ts';
import { op, torchZip } from './torch-file.ts';

const MB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'facexformer-fetch-'));
afterAll(() => rmSync(folder, { recursive: true }));
const out = join(folder, 'weights', 'out.safetensors');

const numbers = (count: number, from: number) => Float32Array.from({ length: count }, (_, i) => from + i);
const a = numbers((3 * MB) / 4, 0);
const b = numbers((2 * MB) / 4, 5);
const storages = { 0: new Uint8Array(a.buffer), 1: new Uint8Array(b.buffer), 2: new Uint8Array(8 * MB) };
const model = op.dict([
  ['a', op.tensor('0', a.length, [3, a.length / 3])],
  ['b', op.tensor('1', b.length, [b.length])],
]);
const file = torchZip(
  op.pickle(
    op.dict([
      ['state_dict_backbone', model],
      ['optimizer', op.dict([['exp_avg', op.tensor('2', 2 * MB, [2 * MB])]])],
    ]),
  ),
  storages,
);
const identity = { bytes: file.length, sha256: sha256(file) };

let url = '';
let sent = 0;
let ranges = true;
let etag: string | undefined;
let requests: string[] = [];
let mischief: (from: number, response: ServerResponse) => boolean = () => false;
const server = createServer((request, response) => {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  requests.push(String(from));
  if (mischief(from, response)) return;
  const start = ranges ? from : 0;
  const headers: Record<string, string | number> = { 'content-length': file.length - start, ...(etag && { etag }) };
  if (ranges) headers['content-range'] = `bytes ${start}-${request.headers.range === 'bytes=0-0' ? 0 : file.length - 1}/${file.length}`;
  const isProbe = ranges && request.headers.range === 'bytes=0-0';
  if (isProbe) headers['content-length'] = 1;
  response.writeHead(ranges ? 206 : 200, headers);
  // In pieces, so that a reader that stops is not sent the rest.
  let at = start;
  const end = isProbe ? 1 : file.length;
  const next = () => {
    if (at >= end || response.destroyed) return void response.end();
    const piece = file.subarray(at, Math.min(at + 65536, end));
    at += piece.length;
    sent += piece.length;
    response.write(piece, next);
  };
  next();
});

beforeEach(async () => {
  if (!server.listening) await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pt?x`;
  [sent, ranges, etag, requests, mischief] = [0, true, undefined, [], () => false];
  rmSync(join(folder, 'weights'), { recursive: true, force: true });
});
afterEach(() => server.closeAllConnections());
afterAll(() => void server.close());

const get = (options: FetchOptions = {}) =>
  fetchWeights(out, { from: url, key: 'state_dict_backbone', identity, retry: { delay: 1, stall: 20_000 }, ...options });

async function isRight(): Promise<void> {
  const found: Record<string, Float32Array> = {};
  for await (const { info, data } of (await openCheckpoint(readFileSync(out))).read())
    found[info.name] = new Float32Array(data.slice().buffer);
  expect(found.a?.length === a.length && found.a.every((v, i) => v === a[i])).toBe(true);
  expect(found.b?.length === b.length && found.b.every((v, i) => v === b[i])).toBe(true);
  expect(readdirSync(join(folder, 'weights'))).toEqual(['out.safetensors']);
}

describe('weights are fetched', () => {
  it('by ranges: only what is needed, and nothing is left beside the result', async () => {
    let fetched = 0;
    await get({ onFetch: (bytes) => (fetched = bytes) });
    await isRight();
    // The two tensors of 5 MB, and the blocks at their edges and of the directory, of 13 MB.
    expect(fetched).toBeLessThan(8 * MB);
  });

  it('whole, with the SHA-256 of all of it', async () => {
    await get({ whole: true });
    await isRight();
    expect(sent).toBeGreaterThanOrEqual(file.length);
    await expect(get({ whole: true, identity: { ...identity, sha256: '0'.repeat(64) } })).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/SHA-256 .* instead of 0000/),
    });
  });

  it('held to what the server itself says of the file, where nothing is pinned', async () => {
    await get({ identity: 'served' });
    await isRight();
    etag = `"${identity.sha256.toUpperCase()}"`;
    await get({ identity: 'served', whole: true });
    await isRight();
    etag = `W/"${'0'.repeat(64)}"`;
    await expect(get({ identity: 'served', whole: true })).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/SHA-256 .* instead of 0000/),
    });
  });

  it('whatever the file is, where that is asked for', async () => {
    etag = `"${'0'.repeat(64)}"`;
    await get({ identity: null });
    await isRight();
  });

  it('from a server without ranges, from beginning to end', async () => {
    ranges = false;
    await get();
    await isRight();
  });

  it('from a server that packs it on the way and says no length, begun again where it breaks off', async () => {
    const packed = gzipSync(file, { level: 1 });
    let answers = 0;
    mischief = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      if (++answers === 2) response.write(packed.subarray(0, packed.length / 2), () => response.destroy());
      else if (answers === 3)
        response.end(packed.subarray(0, -20)); // which is no break to HTTP
      else response.end(packed);
      return true;
    };
    await get();
    await isRight();
    expect(requests.length).toBe(4);
    expect(readdirSync(join(folder, 'weights'))).toEqual(['out.safetensors']);
    await expect(get({ identity: { ...identity, bytes: 5 } })).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE' });
    answers = Number.NEGATIVE_INFINITY;
    mischief = (from, response) =>
      Boolean(from === 0 && response.writeHead(200, { 'content-encoding': 'gzip' }).write('?', () => response.destroy()));
    await expect(get()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE', message: expect.stringMatching(/could not be fetched/) });
    expect(readdirSync(join(folder, 'weights'))).toEqual(['out.safetensors']);
  });

  it('from a server that has it packed, and gives ranges of that', async () => {
    const packed = gzipSync(file, { level: 1 });
    mischief = (_, response) => {
      const isProbe = requests.length === 1;
      const range = isProbe && { 'content-range': `bytes 0-0/${packed.length}` };
      response.writeHead(isProbe ? 206 : 200, { 'content-encoding': 'gzip', ...range }).end(isProbe ? packed.subarray(0, 1) : packed);
      return true;
    };
    await get();
    await isRight();
  });

  it('from a file, by its SHA-256', async () => {
    const path = join(folder, 'model.pt');
    writeFileSync(path, file);
    await get({ from: path });
    await isRight();
    await expect(get({ from: path, identity: OFFICIAL })).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/instead of 1104869851/),
    });
    await expect(get({ from: path, identity: { ...identity, sha256: '1'.repeat(64) } })).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
    });
    for (const identity of ['served', null] as const) await get({ from: path, identity });
  });

  it('although connections break off', async () => {
    let answers = 0;
    mischief = (from, response) => {
      if (++answers % 2 || from === 0) return false;
      response.writeHead(206, { 'content-length': file.length - from, 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` });
      response.write(file.subarray(from, from + 1_500_000), () => response.destroy());
      return true;
    };
    await get();
    await isRight();
  });

  it('on from where an earlier call stopped', async () => {
    mischief = (from, response) => {
      if (from > 10 * MB || requests.length === 1) return false;
      if (from >= 2 * MB) return Boolean(response.writeHead(404).end());
      response.writeHead(206, { 'content-length': file.length - from, 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` });
      response.write(file.subarray(from, 2 * MB), () => response.destroy());
      return true;
    };
    await expect(get()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    expect(existsSync(out)).toBe(false);
    mischief = () => false;
    requests = [];
    await get();
    await isRight();
    // The probe, and then only what was missing.
    expect(requests).toEqual(['0', String(2 * MB)]);
  });
});

describe('fetching fails', () => {
  const cases: Record<string, [arrange: () => void, code: string, says: RegExp, options?: FetchOptions]> = {
    'where nobody listens': [() => undefined, 'WEIGHTS_UNREACHABLE', /could not be fetched/, { from: 'http://127.0.0.1:9/model.pt' }],
    'on a missing file': [() => (mischief = (_, r) => Boolean(r.writeHead(404).end())), 'WEIGHTS_UNREACHABLE', /404/],
    'on a web page': [
      () => (mischief = (_, r) => Boolean(r.writeHead(200, { 'content-type': 'text/html' }).end('<p>sign in'))),
      'BAD_WEIGHTS_FILE',
      /web page/,
    ],
    'on a file of another length': [() => undefined, 'BAD_WEIGHTS_FILE', /another version/, { identity: { ...identity, bytes: 5 } }],
    'on another name at the server': [() => (etag = `"${'a'.repeat(64)}"`), 'BAD_WEIGHTS_FILE', /named aaaa/],
    'on a file that changes between ranges': [
      () =>
        (mischief = (from, response) => {
          if (requests.length === 2) response.setHeader('etag', '"two"');
          void from;
          return false;
        }),
      'BAD_WEIGHTS_FILE',
      /changed while/,
    ],
    'on damaged bytes': [
      () =>
        (mischief = (from, response) => {
          if (requests.length < 2) return false;
          const bad = file.slice(from);
          for (let i = 0; i < bad.length; i += 1000) bad[i] = 255 - (bad[i] as number);
          response
            .writeHead(206, { 'content-length': bad.length, 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` })
            .end(bad);
          return true;
        }),
      'BAD_WEIGHTS_FILE',
      /./,
    ],
  };
  it.each(Object.entries(cases))('%s, and leaves no result', async (_, [arrange, code, says, options]) => {
    arrange();
    await expect(get(options)).rejects.toMatchObject({ name: 'FaceXFormerError', code, message: expect.stringMatching(says) });
    expect(existsSync(out)).toBe(false);
    const weights = join(folder, 'weights');
    if (code === 'BAD_WEIGHTS_FILE' && existsSync(weights)) expect(readdirSync(weights)).toEqual([]); // what is wrong is not gone on with
    if (code === 'WEIGHTS_UNREACHABLE') expect(existsSync(weights)).toBe(false);
  });

  it('when told to stop', async () => {
    const stop = new AbortController();
    const fetching = get({ signal: stop.signal, onFetch: () => stop.abort() });
    await expect(fetching).rejects.toMatchObject({ code: 'ABORTED' });
    await get();
    await isRight();
  });
});

describe('a file at an address', () => {
  const partial = join(folder, 'weights', 'partial');
  const minute = (n: number) => new Date(60_000 * n).toUTCString();
  const bytesOf = (length: number, beginning: readonly number[]) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) ^ (i >> 13));
    bytes.set(beginning);
    return bytes;
  };
  const zip = bytesOf(9 * MB + 5, [0x50, 0x4b]);
  const other = bytesOf(9 * MB + 5, [0x50, 0x4c]);

  /** An address of some bytes, and what was asked of it: a range, and of which version. */
  function addressOf(bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
    const asked: string[] = [];
    const progress: number[] = [];
    const served = { bytes, headers, breaks: [] as number[] };
    const fetch = async (_: unknown, init?: RequestInit) => {
      const { bytes, headers, breaks } = served;
      const sent = new Headers(init?.headers);
      expect(sent.get('accept-encoding')).toBe('identity');
      const [range, version] = ['range', 'if-range'].map((name) => sent.get(name) ?? '') as [string, string];
      asked.push(version ? `${range} ${version}` : range);
      const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
      const end = to === '' ? bytes.length : Number(to) + 1;
      const part = bytes.subarray(Number(from), end);
      const breaksAt = range === '' ? (breaks.shift() ?? end) : end;
      const pieces = [part.subarray(0, breaksAt - Number(from))];
      const body = new ReadableStream({
        pull(controller) {
          const piece = pieces.shift();
          if (piece) controller.enqueue(piece);
          else if (breaksAt < end) controller.error(new TypeError('broken off'));
          else controller.close();
        },
      });
      const length = { ...headers, 'content-length': String(part.length) };
      if (range === '') return new Response(body, { headers: length });
      return new Response(body, { status: 206, headers: { ...length, 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` } });
    };
    const onProgress = (fetched: number) => void progress.push(fetched);
    const open = () => openAddress('http://host/w', { partial, fetch, onProgress, retry: { tries: 2, delay: 1 } });
    return { asked, progress, served, open };
  }

  it.each<[Record<string, string>, string | undefined]>([
    [{ etag: '"one"' }, '"one"'],
    [{ 'last-modified': minute(5), date: minute(6) }, minute(5)],
    [{ etag: 'W/"one"', 'last-modified': minute(5), date: minute(6) }, minute(5)],
    [{ etag: 'W/"one"' }, undefined],
    [{ 'last-modified': minute(5), date: minute(5 + 59 / 60) }, undefined],
    [{ 'last-modified': minute(5) }, undefined],
    [{ date: minute(6) }, undefined],
  ])('of %j is read in parts where that names a version, and whole where it does not', async (headers, version) => {
    const { asked, progress, open } = addressOf(other, headers);
    let address = await open();
    expect(await address.read(3 * MB + 9, 7)).toEqual(other.slice(3 * MB + 9, 3 * MB + 16));
    expect(asked.splice(0)).toEqual(['bytes=0-0', ...(version === undefined ? ['', ''] : [`bytes=${3 * MB}- ${version}`])]);
    await address.read(0, other.length);
    expect(progress.at(-1)).toBe(other.length);
    await address.close();
    address = await open();
    expect(Buffer.compare(await address.read(0, other.length), other)).toBe(0);
    expect(asked.slice(-2)).toEqual(version === undefined ? ['bytes=0-0', ''] : ['', 'bytes=0-0']);
    await address.forget();
    expect(readdirSync(join(folder, 'weights'))).toEqual([]);
  });

  it('is begun again where its one request breaks off, and asked for no more than once however often it is read', async () => {
    const { asked, progress, served, open } = addressOf(other);
    served.bytes = bytesOf(other.length, [0x51, 0x4b]);
    const address = await open();
    served.breaks = Array(4).fill(2.5 * MB);
    for (const at of [8, 4]) await expect(address.read(at * MB, 9)).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    expect(asked.splice(0)).toEqual(['bytes=0-0', '', '', '']);
    expect(progress.splice(0)).toEqual([1, 1, 2, 1, 2].map((n) => n * MB));
    await address.close();
    const again = await open();
    expect(await again.read(8 * MB, 9)).toEqual(served.bytes.slice(8 * MB, 8 * MB + 9));
    expect(asked).toEqual(['bytes=0-0', '', '']);
    expect(progress.at(-1)).toBe(other.length);
    await again.forget();
  });

  it('of a zip archive is read in parts, whose checksums tell versions apart, and so is one byte', async () => {
    const { asked, progress, open } = addressOf(zip);
    const address = await open();
    expect(await address.read(5 * MB - 1, 2)).toEqual(zip.slice(5 * MB - 1, 5 * MB + 1));
    expect(await address.read(8 * MB, 9)).toEqual(zip.slice(8 * MB, 8 * MB + 9)); // what lies between is read, and thrown away
    expect(await address.read(2 * MB, 9)).toEqual(zip.slice(2 * MB, 2 * MB + 9));
    expect(await address.read(9 * MB, 5)).toEqual(zip.slice(9 * MB));
    expect(asked).toEqual(['bytes=0-0', '', `bytes=${4 * MB}-`, `bytes=${2 * MB}-`, `bytes=${9 * MB}-`]);
    expect(progress.at(-1)).toBe(5 * MB + 5);
    await expect(address.read(9 * MB, 6)).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(/ends at/) });
    await address.forget();
    const short = addressOf(Uint8Array.of(7));
    const one = await short.open();
    expect(await one.read(0, 1)).toEqual(Uint8Array.of(7));
    expect(short.asked).toEqual(['bytes=0-0', '']);
    await one.forget();
  });

  it('keeps what it has read for as long as the file is the same, and there', async () => {
    const { asked, served, open } = addressOf(other, { etag: '"one"' });
    const asks = async (from: number) => {
      asked.length = 0;
      const address = await open();
      expect(await address.read(from, 9)).toEqual(served.bytes.slice(from, from + 9));
      await address.close();
      return asked.length - 1;
    };
    expect([await asks(MB), await asks(MB), await asks(4 * MB), await asks(MB)]).toEqual([1, 0, 1, 0]);
    truncateSync(partial);
    expect([await asks(MB), await asks(MB)]).toEqual([1, 0]);
    rmSync(partial);
    expect([await asks(MB), await asks(MB)]).toEqual([1, 0]);
    writeFileSync(`${partial}.json`, '{"id":7}');
    expect([await asks(MB), await asks(MB)]).toEqual([1, 0]);
    Object.assign(served, { bytes: zip, headers: { etag: '"two"' } });
    expect([await asks(MB), await asks(MB)]).toEqual([1, 0]);
    rmSync(partial);
    symlinkSync(`${partial}.json`, partial);
    await expect(open()).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining('is a link') });
    rmSync(partial);
    mkdirSync(partial);
    await expect(open()).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining('is a directory') });
  });

  it('is noted every 32 MB, so that a process that is killed need not begin again', async () => {
    const { progress, open } = addressOf(new Uint8Array(34 * MB), { etag: '"one"' });
    const address = await open();
    const noted: boolean[] = [];
    Object.assign(progress, { push: () => void noted.push(existsSync(`${partial}.json`)) });
    await address.read(0, address.size);
    expect(noted.map(Number)).toEqual([...Array(31).fill(0), 1, 1, 1]);
    await address.forget();
  });
});
