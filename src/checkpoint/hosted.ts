/** Weights as they are hosted: a folder with config.json and one safetensors file, or several (shards). */
import { FaceXFormerError } from '../gpu/errors.ts';
import { unless } from '../gpu/waiting.ts';
import { address, type ByteSource, harmless } from './bytes.ts';
import type { Checkpoint, ReadOptions, TensorInfo } from './checkpoint.ts';
import { type Fetching, fetchSmall, type HostedFile } from './connection.ts';
import { patiently, sha256, verifiedPieces } from './download.ts';
import { quote } from './header-json.ts';
import { type ChunkStore, chunkStore } from './store.ts';

interface HostedOptions extends Fetching {
  /** Whether weights are kept for the next visit, and taken from the last one. */
  cache: boolean;
}

/** Longest config.json taken. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** The chunks that `facexformer shard` hashes. Others are taken within these bounds: a chunk is held whole to be verified. */
export const CHUNK_BYTES = 16 * 1024 * 1024;
const MIN_CHUNK_BYTES = 64 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;

/** The byte sources of hosted weights, in order. @throws FaceXFormerError */
export async function hostedSources(
  url: string,
  options: HostedOptions,
): Promise<(ByteSource & Pick<HostedFile, 'bytes' | 'header'> & { readonly kept: boolean })[]> {
  if (!globalThis.crypto?.subtle)
    throw new FaceXFormerError(
      'WEBGPU_UNAVAILABLE',
      'Hosted weights are verified by crypto.subtle, which needs a secure context: https or localhost.',
    );
  const [config, beside] = configOf(url);
  const store = options.cache ? await unless(options.signal, chunkStore()) : undefined;
  const key = `config-${await sha256(new TextEncoder().encode(config))}`;
  const files = await fetchConfig(config, key, options, store);
  const onFailure = () => store?.delete(key); // so that the next visit asks anew
  return files.map((file) => {
    const at = beside(file.name);
    return {
      ...file,
      name: address(at),
      rereadable: true,
      kept: store !== undefined,
      signal: options.signal,
      open: async (signal, onBytes) => ({
        pieces: verifiedPieces(at, file, { ...options, store, onFailure, onBytes, signal }),
        length: file.bytes,
      }),
    };
  });
}

/**
 * The address of config.json, and those of the files beside it. What a query says, a signature or a token, is said for each of them; where a
 * path is one segment, its slashes as %2F, so is theirs.
 */
function configOf(url: string): [config: string, beside: (name: string) => string] {
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(absolute(url)) ?? [];
  const folder = path.replace(/config\.json$/i, '');
  const beside = (name: string) => folder + encodeURIComponent(name) + query;
  return [path === folder ? beside('config.json') : path + query, beside];
}

/** @throws FaceXFormerError WEIGHTS_UNREACHABLE: it is no address */
export function absolute(url: string): string {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch (cause) {
    throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${quote(address(url))} is no address of weights.`, { cause: harmless(cause) });
  }
}

/** From the store if it has one from an earlier visit: then that visit's weights are complete without any request. */
async function fetchConfig(url: string, key: string, options: HostedOptions, store: ChunkStore | undefined): Promise<HostedFile[]> {
  const kept = await unless(options.signal, store?.get(key, 0));
  try {
    if (kept) return parseConfig(kept, url);
  } catch {} // damaged: fetched anew, and written over
  const bytes = await patiently(() => fetchSmall(url, MAX_CONFIG_BYTES, options), options.signal, options.retry);
  const files = parseConfig(bytes, url);
  const put = store?.put(key, 0, bytes).catch(() => undefined);
  await unless(options.signal, put);
  return files;
}

/**
 * The files that a config.json lists, checked. What it says to people, labels and the like, the engine knows itself.
 * @throws FaceXFormerError BAD_WEIGHTS_FILE
 */
export function parseConfig(bytes: Uint8Array, url: string): HostedFile[] {
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badConfig(url, 'it is not JSON', cause);
  }
  const { files, chunk_bytes } = (config ?? {}) as { files?: unknown; chunk_bytes?: unknown };
  if (!Array.isArray(files) || files.length === 0 || files.length > 1000) throw badConfig(url, 'it lists no files');
  if (!isCount(chunk_bytes) || chunk_bytes < MIN_CHUNK_BYTES || chunk_bytes > MAX_CHUNK_BYTES)
    throw badConfig(url, `its chunk_bytes must be ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}`);
  return files.map((file) => hostedFile(file, chunk_bytes, url));
}

function hostedFile(file: unknown, chunkBytes: number, url: string): HostedFile {
  const { name, bytes, sha256, chunks, header } = (file ?? {}) as Record<string, unknown>;
  // A plain name: a file of this folder, and of no other.
  if (typeof name !== 'string' || !/^[\w-][\w.-]*$/.test(name)) throw badConfig(url, 'a file of it has no plain name');
  if (!isCount(bytes) || !isHash(sha256)) throw badConfig(url, `${name} has no bytes or sha256`);
  if (!Array.isArray(chunks) || chunks.length !== Math.ceil(bytes / chunkBytes) || !chunks.every(isHash))
    throw badConfig(url, `${name} has not the sha256 of each chunk`);
  return { name, bytes, sha256, chunks, chunkBytes, ...(header !== undefined && { header: String(header) }) };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** Whether it is a SHA-256 in hexadecimal. */
export function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function badConfig(url: string, why: string, cause?: unknown): FaceXFormerError {
  const message = `${address(url)} does not describe weights: ${why}. Make it with \`facexformer shard\`.`;
  return new FaceXFormerError('BAD_WEIGHTS_FILE', message, { cause });
}

/** A file of several. */
export interface Part extends Checkpoint {
  /** Bytes of its data that have come already, and wait for its first reading. */
  waiting?(): number;
}

/** Several files' tensors as one checkpoint, read one file after the other. @throws FaceXFormerError BAD_WEIGHTS_FILE */
export function joined(source: string, parts: readonly Part[]): Checkpoint {
  const tensors = new Map<string, TensorInfo>();
  for (const part of parts)
    for (const [name, info] of part.tensors) {
      if (tensors.has(name)) throw new FaceXFormerError('BAD_WEIGHTS_FILE', `Two files of ${source} hold a tensor ${quote(name)}.`);
      tensors.set(name, info);
    }
  return { source, tensors, rereadable: parts.every(({ rereadable }) => rereadable), read: (options) => readParts(parts, options) };
}

async function* readParts(parts: readonly Part[], { signal, onProgress }: ReadOptions = {}) {
  const size = ({ tensors }: Checkpoint) => [...tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const total = parts.reduce((sum, part) => sum + size(part), 0);
  const loaded = parts.map((part) => part.waiting?.() ?? 0);
  const tell = (i: number) => (now: number) => {
    loaded[i] = Math.max(now, loaded[i] as number);
    onProgress?.(
      loaded.reduce((sum, one) => sum + one, 0),
      total,
    );
  };
  for (const [i, part] of parts.entries()) yield* part.read({ signal, onProgress: tell(i) });
}
