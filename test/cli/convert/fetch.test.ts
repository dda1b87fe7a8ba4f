import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
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
    await get({ from: path, identity: null });
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
    if (code === 'WEIGHTS_UNREACHABLE') expect(readdirSync(folder)).not.toContain('weights');
  });

  it('when told to stop', async () => {
    const stop = new AbortController();
    const fetching = get({ signal: stop.signal, onFetch: () => stop.abort() });
    await expect(fetching).rejects.toMatchObject({ code: 'ABORTED' });
    await get();
    await isRight();
  });
});
