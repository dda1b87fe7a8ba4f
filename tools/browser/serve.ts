/** A web server for this machine only: bundles, pictures and weights out, results in by POST. */
import { createReadStream, type Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError } from '../terminal/command.ts';

/**
 * What an address gives: a body, a file, a folder (address ends in `/`), what is made only when asked for, or what takes a POST to it.
 * `sent` is called when a file has gone out, for one that was made for that request alone.
 */
export type Route =
  | { body: string | Uint8Array; type: string }
  | { file: string; type?: string; sent?: () => void }
  | { folder: string }
  | { make: (path: string) => Promise<Ready | undefined> }
  | { receive: (body: Buffer, path: string) => void };

/** What is there without making it. */
export type Ready = Exclude<Route, { make: unknown }>;

export interface LocalServer {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.wgsl': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.gif': 'image/gif',
  '.bmp': 'image/bmp',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
};

/** Serves `routes`: the longest one that the address equals, or begins with where the route ends in `/`. `port` 0 is any free one. */
export async function serve(routes: Readonly<Record<string, Route>>, port = 0): Promise<LocalServer> {
  const server = createServer((request, response) => {
    answer(routes, request, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, isMissing(error) ? 404 : 500);
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves a page until Ctrl+C: at the port that was asked for, or else at the usual one, or at a free one where that is taken. */
export async function servePage(
  routes: Readonly<Record<string, Route>>,
  text: (url: string) => string,
  { asked, usual }: { readonly asked: number | undefined; readonly usual: number },
): Promise<void> {
  const server = await (asked === undefined ? serve(routes, usual).catch(() => serve(routes)) : serve(routes, asked).catch(taken(asked)));
  console.log(`${text(server.url)} (Ctrl+C ends it).`);
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal).once(signal, done);
  });
  await server.close();
}

const taken =
  (port: number) =>
  (error: unknown): never => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw new CommandError(`Port ${port} is taken.`);
    throw error;
  };

async function answer(routes: Readonly<Record<string, Route>>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Another site's page may reach this port, by a name of its own, by a form, or by a picture whose address is here.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) return refuse(response, 403);
  const origin = request.headers.origin;
  if (origin !== undefined && origin !== `http://${request.headers.host}`) return refuse(response, 403);
  if (!['same-origin', 'none'].includes(request.headers['sec-fetch-site']?.toString() ?? 'none')) return refuse(response, 403);
  const path = pathOf(request.url ?? '/');
  if (path === undefined) return refuse(response, 400);
  const name = Object.keys(routes)
    .filter((route) => path === route || (route.endsWith('/') && route !== '/' && path.startsWith(route)))
    .sort((a, b) => b.length - a.length)[0];
  let route = name === undefined ? undefined : routes[name];
  const isGet = request.method === 'GET' || request.method === 'HEAD';
  if (route && !('receive' in route) && !isGet) return refuse(response, 405);
  if (route && 'make' in route) route = await route.make(path);
  if (name === undefined || route === undefined) return refuse(response, 404);
  if ('receive' in route) {
    if (request.method !== 'POST') return refuse(response, 405);
    const body = await bodyOf(request);
    if (!body) return refuse(response, 413);
    route.receive(body, path);
    response.writeHead(204).end();
    return;
  }
  if ('body' in route) {
    const body = typeof route.body === 'string' ? Buffer.from(route.body) : route.body;
    response.writeHead(200, { ...HEADERS, 'content-type': route.type, 'content-length': body.byteLength });
    response.end(request.method === 'HEAD' ? undefined : body);
  } else if ('file' in route) await sendFile(route.file, route.type, request, response).finally(route.sent);
  else await sendFile(await insideOf(route.folder, path.slice(name.length)), undefined, request, response);
}

/** The last two isolate a page from other sites, which gives it threads for WebAssembly and clocks of 5 microseconds. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'credentialless',
};

/** The decoded path without its query; undefined where it is not one, or climbs. */
function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.split(/[?#]/)[0] ?? '/');
    return path.startsWith('/') && !/[\0\\]/.test(path) && !path.split('/').includes('..') ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The real path of a file in the folder; links that lead out of it are not followed. */
async function insideOf(folder: string, path: string): Promise<string> {
  const home = await realpath(folder);
  const file = await realpath(join(home, path));
  if (!file.startsWith(home + sep)) throw Object.assign(new Error(`${path} is not inside ${folder}`), { code: 'ENOENT' });
  return file;
}

async function sendFile(file: string, type: string | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const info = await stat(file);
  if (!info.isFile()) return refuse(response, 404);
  const headers = {
    ...HEADERS,
    'content-type': type ?? TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
  };
  const range = rangeOf(request.headers.range, info);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${info.size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: info.size - 1 };
  const partial = range ? { 'content-range': `bytes ${start}-${end}/${info.size}` } : {};
  response.writeHead(range ? 206 : 200, { ...headers, ...partial, 'content-length': end - start + 1 });
  if (request.method === 'HEAD' || end < start) response.end();
  else await pipeline(createReadStream(file, { start, end }), response).catch(() => response.destroy()); // the page went away
}

/** One range of bytes, both ends included; a header that is not one is ignored, as RFC 9110 says. */
function rangeOf(header: string | undefined, { size }: Stats): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]));
  if (match[2] !== '' && match[1] !== '' && Number(match[2]) < Number(match[1])) return undefined;
  return start > end ? 'unsatisfiable' : { start, end };
}

/** Most bytes of a POST: a drawn picture of 200 megapixels is far less. */
const MOST_POSTED = 1 << 30;

/** undefined for one that is too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > MOST_POSTED) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, HEADERS).end();
}

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
