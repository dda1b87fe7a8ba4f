/** The local server: right types, ranges, and nothing from outside of what it serves. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalServer, serve } from '../../tools/browser/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'serve-'));
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
const received: { path: string; body: string }[] = [];
let server: LocalServer;

beforeAll(async () => {
  mkdirSync(join(folder, 'public', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'public', 'page.html'), '<p>');
  writeFileSync(join(folder, 'public', 'deep', 'a b.png'), bytes);
  writeFileSync(join(folder, 'public', 'empty.bin'), '');
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'public', 'link.txt'));
  server = await serve({
    '/': { body: 'home', type: 'text/plain' },
    '/public/': { folder: join(folder, 'public') },
    '/weights.safetensors': { file: join(folder, 'public', 'deep', 'a b.png'), type: 'application/octet-stream' },
    '/made/': { make: async (path) => (path === '/made/now' ? { body: 'made', type: 'text/plain' } : undefined) },
    '/post/': { receive: (body, path) => received.push({ path, body: body.toString() }) },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** As a client that does not tidy the path as fetch does. */
function raw(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

describe('what it serves', () => {
  it('is missing where nothing was made for the address', async () => {
    expect((await fetch(`${server.url}made/never`)).status).toBe(404);
  });

  it.for([
    ['', 'text/plain', 'home'],
    ['public/page.html', 'text/html; charset=utf-8', '<p>'],
    ['public/page.html?x=1', 'text/html; charset=utf-8', '<p>'],
    ['public/empty.bin', 'application/octet-stream', ''],
    ['made/now', 'text/plain', 'made'],
  ])('/%s', async ([path, type, body]) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe(body);
  });

  it('a name with a space, in a folder', async () => {
    const response = await fetch(`${server.url}public/deep/a%20b.png`);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  it('takes a POST where one is awaited, and only there', async () => {
    const response = await fetch(`${server.url}post/raw`, { method: 'POST', body: 'numbers' });
    expect(response.status).toBe(204);
    expect(received).toEqual([{ path: '/post/raw', body: 'numbers' }]);
    expect((await fetch(server.url, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(`${server.url}post/raw`)).status).toBe(405);
  });
});

describe('ranges', () => {
  it.for([
    ['bytes=0-0', 206, 'bytes 0-0/1000', 0, 1],
    ['bytes=10-19', 206, 'bytes 10-19/1000', 10, 20],
    ['bytes=990-', 206, 'bytes 990-999/1000', 990, 1000],
    ['bytes=990-5000', 206, 'bytes 990-999/1000', 990, 1000],
    ['bytes=-5', 206, 'bytes 995-999/1000', 995, 1000],
    ['bytes=-5000', 206, 'bytes 0-999/1000', 0, 1000],
    ['bytes=20-10', 200, null, 0, 1000],
    ['bytes=0-1,5-6', 200, null, 0, 1000],
    ['lines=0-1', 200, null, 0, 1000],
  ] as const)('%s', async ([range, status, contentRange, begin, end]) => {
    const response = await fetch(`${server.url}weights.safetensors`, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(response.headers.get('content-length')).toBe(String(end - begin));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes.subarray(begin, end));
  });

  it('beyond the end', async () => {
    for (const range of ['bytes=1000-', 'bytes=-0']) {
      const response = await fetch(`${server.url}weights.safetensors`, { headers: { range } });
      expect(response.status).toBe(416);
      expect(response.headers.get('content-range')).toBe('bytes */1000');
    }
  });

  it('HEAD has the length and no body', async () => {
    const response = await fetch(`${server.url}weights.safetensors`, { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('1000');
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });
});

describe('what it refuses', () => {
  it.for([
    '/public/../secret.txt',
    '/public/%2e%2e/secret.txt',
    '/public/..%2fsecret.txt',
    '/public/..%5csecret.txt',
    '/public/deep/../../secret.txt',
    '/public/link.txt',
    '/public//etc/passwd',
    '/public/',
    '/public/deep',
    '/public/%00',
    '/public/%E0%A4%A',
    '/secret.txt',
    '/public',
  ])('%s', async (path) => {
    const { status, body } = await raw(path);
    expect([400, 404]).toContain(status);
    expect(body).toBe('');
  });

  it('what another site’s page asks for, be it a picture or a form', async () => {
    for (const site of ['cross-site', 'same-site'])
      for (const path of ['/', '/made/now', '/public/page.html']) expect((await raw(path, { 'sec-fetch-site': site })).status).toBe(403);
    expect((await raw('/post/raw', { 'sec-fetch-site': 'cross-site' }, 'POST')).status).toBe(403);
    for (const site of ['same-origin', 'none']) expect((await raw('/made/now', { 'sec-fetch-site': site })).status).toBe(200);
    expect((await raw('/made/now', {}, 'POST')).status).toBe(405);
  });

  it('another site, by its name or by its origin', async () => {
    expect((await raw('/', { host: 'evil.example' })).status).toBe(403);
    expect((await raw('/', { host: '127.0.0.1.evil.example' })).status).toBe(403);
    expect((await raw('/post/raw', { origin: 'https://evil.example' }, 'POST')).status).toBe(403);
    expect((await raw('/', { host: 'localhost:1' })).status).toBe(200);
  });

  it('a port that is taken', async () => {
    await expect(serve({}, Number(new URL(server.url).port))).rejects.toThrow('EADDRINUSE');
  });
});
