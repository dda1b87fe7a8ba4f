/** A server of hosted weights that can be told to misbehave. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The smallest that the loader takes, so that small files have several. */
export const CHUNK_BYTES = 65536;

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** @param told whether config.json has the file's header, as `facexformer shard` writes it */
export function hostedFile(name: string, bytes: Uint8Array, told = false) {
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) chunks.push(sha256(bytes.subarray(at, at + CHUNK_BYTES)));
  const header = told && new TextDecoder().decode(bytes.subarray(8, 8 + Number(Buffer.from(bytes).readBigUInt64LE(0))));
  return { name, bytes: bytes.length, sha256: sha256(bytes), chunks, ...(header !== false && { header }) };
}

/** Answers instead of the server, if it returns true. `from` is where the request begins. */
export type Mischief = (request: { path: string; from: number; count: number }, response: ServerResponse) => boolean;

export interface HostedServer {
  url: string;
  /** Path and beginning of every request so far, and before them the method where it is HEAD. */
  requests: string[];
  mischief: Mischief;
  ranges: boolean;
  close(): Promise<void>;
}

export async function hostedServer(
  files: Record<string, Uint8Array>,
  extra: Record<string, [type: string, body: string]> = {},
  port = 0,
  told = false,
): Promise<HostedServer> {
  const config = { chunk_bytes: CHUNK_BYTES, files: Object.entries(files).map(([name, bytes]) => hostedFile(name, bytes, told)) };
  const all: Record<string, Uint8Array> = { 'config.json': new TextEncoder().encode(JSON.stringify(config)), ...files };
  const state: HostedServer = { url: '', requests: [], mischief: () => false, ranges: true, close: async () => undefined };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('access-control-allow-origin', '*');
    const path = decodeURIComponent((request.url ?? '').slice(1).split('?')[0] as string);
    const page = extra[path];
    if (page) return void response.writeHead(200, { 'content-type': page[0] }).end(page[1]);
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    state.requests.push(`${request.method === 'HEAD' ? 'HEAD ' : ''}${path} ${from}`);
    if (request.headers.range === 'bytes=0-') return void response.writeHead(400).end(); // what asks for all needs no leave to ask for a part
    if (state.mischief({ path, from, count: state.requests.length }, response)) return;
    const bytes = all[path];
    if (!bytes) return void response.writeHead(404).end();
    const start = state.ranges ? from : 0;
    const headers: Record<string, string | number> = { 'content-type': 'application/octet-stream', 'content-length': bytes.length - start };
    if (start > 0) headers['content-range'] = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(start > 0 ? 206 : 200, headers).end(bytes.subarray(start));
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  state.close = () =>
    new Promise((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return state;
}
