/** Opens a safetensors file wherever it is, reads its header, and then its tensors one by one. */
import { badOption, either, throwIfAborted } from '../gpu/errors.ts';
import { given, type Kind, optionsOf, shown, tag } from '../gpu/given.ts';
import { unless } from '../gpu/waiting.ts';
import {
  address,
  type ByteReader,
  type ByteSource,
  type Pieces,
  piecesOf,
  plainBytes,
  readerOf,
  responseBytes,
  responseOf,
} from './bytes.ts';
import type { Checkpoint, ReadOptions } from './checkpoint.ts';
import type { RetryOptions } from './connection.ts';
import { badFile } from './header-json.ts';
import { absolute, hostedSources, joined, type Part } from './hosted.ts';
import { headerLength, headerOf, type SafetensorsHeader, wrongLength } from './safetensors.ts';
import { keptSource } from './single.ts';
import { readOptionsOf } from './sound.ts';

/** Where weights can be read from; a stream, a Request's body and a Response only once. */
export type WeightsSource = string | URL | Request | Response | Blob | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array>;

/** What `openCheckpoint` takes. */
export interface OpenOptions {
  signal?: AbortSignal | undefined;
  /** Fetches addresses; the runtime's own unless given. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Whether weights of an address are kept for the next visit and taken from the last one (`weightCache`); true unless given. */
  cache?: boolean | undefined;
  /** How patient the download of hosted weights is. */
  retry?: RetryOptions | undefined;
  /** Called as bytes arrive while it is opened: bytes so far, and of all files, where that is known. */
  onProgress?: ((loaded: number, total: number) => void) | undefined;
}

const OPEN_OPTIONS: Readonly<Record<keyof OpenOptions, Kind>> = {
  signal: 'signal',
  fetch: 'function',
  cache: 'boolean',
  retry: 'any',
  onProgress: 'function',
};
const RETRY_OPTIONS: Readonly<Record<keyof RetryOptions, Kind>> = { tries: 'count', delay: 'count', stall: 'count' };

/**
 * Files of hosted weights that wait, opened, for their turn, where config.json does not say what they hold; browsers have six connections for a server.
 * Those after them are read through at once, into the cache.
 */
const WAITING_FILES = 4;

/**
 * Opens a checkpoint: hosted weights, by the address of their folder (ending in `/`) or of its config.json, which are verified, kept
 * for the next visit, and resumed where the network broke off; or one safetensors file, by its address (string or URL), kept as well and
 * fetched anew where the server says that it is another, in a Request, Response, Blob, File or bytes, or as a stream. The header is read at once, the tensors when `read` asks for them: never more
 * than the largest tensor and a few small pieces are held. Addresses, Blobs and bytes can be read again. If a checkpoint of an address or a
 * stream is opened and not read, abort the signal. Hosted weights give up a connection that falls silent; a single file or a stream is
 * waited for until the signal says otherwise.
 * @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE, BAD_OPTION, ABORTED
 */
export async function openCheckpoint(source: WeightsSource, options: OpenOptions = {}): Promise<Checkpoint> {
  const own = optionsOf<OpenOptions>('openCheckpoint', OPEN_OPTIONS, options);
  const { signal, cache = true, onProgress, fetch = globalThis.fetch?.bind(globalThis) } = own;
  const retry = own.retry === undefined ? undefined : optionsOf<RetryOptions>('retry', RETRY_OPTIONS, own.retry);
  throwIfAborted(signal);
  const url = typeof source === 'string' || tag(source) === 'URL' ? given('The address cannot be read.', () => String(source)) : undefined;
  if (url === undefined || !isHosted(url)) {
    const kept = url !== undefined && cache && isKept(url);
    const bytes = given('The weights cannot be read.', () => byteSource(source, fetch));
    return openBytes(kept ? keptSource(absolute(url), { fetch, signal, retry }) : bytes, signal, { onProgress });
  }
  const files = await hostedSources(url, { signal, fetch, cache, retry });
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  const parts: Opened[] = [];
  try {
    for (const [i, file] of files.entries()) {
      let arrived = 0;
      const tell = (bytes: number) => {
        arrived = bytes;
        onProgress?.(before + bytes, total);
      };
      if (file.header !== undefined) parts.push(opened(file, headerOf(new TextEncoder().encode(file.header), file.bytes), signal));
      else parts.push(await openBytes(file, signal, { wait: i < WAITING_FILES, onProgress: tell }));
      before += arrived;
    }
    return parts.length === 1 ? (parts[0] as Opened) : joined(address(url), parts);
  } catch (error) {
    for (const part of parts) part.close();
    throw error;
  }
}

/** Whether a single file of this address outlives the visit: one of the web, where its bytes can be hashed. */
function isKept(url: string): boolean {
  try {
    return /^https?:/.test(absolute(url)) && globalThis.crypto?.subtle !== undefined;
  } catch {
    return false; // fetch says what is wrong with it
  }
}

/**
 * Whether the address is that of hosted weights: of their folder, or of their config.json. Some stores write a path as one segment, its slashes as %2F;
 * bytes in base64 may end in one.
 */
export function isHosted(url: string): boolean {
  return !/^data:/i.test(url) && /(\/|%2F|(^|\/|%2F)config\.json)$/i.test(url.split(/[?#]/, 1)[0] as string);
}

/** A file that was opened, and may be left unread. */
type Opened = Part & { close(): void };

/** Reads the header. `wait`: the opened source waits for the first reading, instead of being opened again. */
async function openBytes(
  bytes: ByteSource & { readonly kept?: boolean },
  signal: AbortSignal | undefined,
  { wait = true, onProgress }: { wait?: boolean; onProgress?: OpenOptions['onProgress'] } = {},
): Promise<Opened> {
  const first = await readerOf(bytes, signal);
  first.onArrival = (arrived) => onProgress?.(arrived, first.opened.length ?? 0);
  const header = await guarded(first, signal, readHeader(first, bytes.name));
  if (!wait && bytes.kept) await guarded(first, signal, readThrough(first));
  first.onArrival = undefined;
  if (!wait) first.cancel();
  return opened(bytes, header, signal, wait ? first : undefined);
}

/** A file whose header is known. @param first has read it already, and waits for the first reading */
function opened(bytes: ByteSource, header: SafetensorsHeader, signal: AbortSignal | undefined, first?: ByteReader): Opened {
  let waiting = first;
  signal?.addEventListener('abort', () => waiting?.cancel(), { once: true });

  /** The reader behind its header: the one that waits, for the first reading; later ones open the source anew. */
  const begin: Begin = async (readSignal, onArrival) => {
    if (!waiting && !bytes.rereadable) throw badOption(`The weights of a ${bytes.name} can be read only once; open them again.`);
    const behind = waiting;
    waiting = undefined;
    const reader = behind ?? (await readerOf(bytes, readSignal));
    reader.onArrival = onArrival;
    if (behind || (await guarded(reader, readSignal, readHeader(reader, bytes.name))).text === header.text) return reader;
    reader.cancel();
    throw badFile(`${bytes.name} changed between two readings`);
  };

  return {
    source: bytes.name,
    tensors: header.tensors,
    rereadable: bytes.rereadable,
    read: (options) => readTensors(header, begin, options),
    waiting: () => dataOf(waiting?.arrived ?? 0, header),
    close: () => waiting?.cancel(),
  };
}

type Begin = (signal: AbortSignal | undefined, onArrival: (arrived: number) => void) => Promise<ByteReader>;

/** Bytes of data among those that have come: a header is none. */
function dataOf(arrived: number, { dataStart, dataBytes }: SafetensorsHeader): number {
  return Math.min(Math.max(arrived - dataStart, 0), dataBytes);
}

async function readHeader(reader: ByteReader, name: string): Promise<SafetensorsHeader> {
  const { length: whole } = reader.opened;
  const length = headerLength(await reader.take(8), whole, name);
  return headerOf(await reader.take(length), whole, length);
}

/** Reads to the end, so that the cache has all of it. */
async function readThrough(reader: ByteReader): Promise<void> {
  while ((await reader.take(PIECE)).length > 0);
}

async function* readTensors(header: SafetensorsHeader, begin: Begin, options?: ReadOptions) {
  const { signal, onProgress } = readOptionsOf(options);
  throwIfAborted(signal);
  const tell = (arrived: number) => onProgress?.(dataOf(arrived, header), header.dataBytes);
  const reader = await begin(signal, tell);
  try {
    tell(reader.arrived);
    let end = header.dataStart;
    for (const info of header.tensors.values()) {
      const data = await unless(signal, reader.take(info.bytes));
      end += data.length;
      if (data.length < info.bytes) throw wrongLength(end, header.dataStart + header.dataBytes);
      yield { info, data };
    }
    if (!(await unless(signal, reader.ended()))) throw wrongLength(reader.arrived, end);
  } catch (error) {
    reader.fail(error);
  } finally {
    reader.cancel();
  }
}

/** One step of reading; an abort ends even a step that waits for bytes. */
function guarded<T>(reader: ByteReader, signal: AbortSignal | undefined, step: Promise<T>): Promise<T> {
  return unless(signal, step).catch((error) => reader.fail(error));
}

/** What of each kind reads it: something else may call itself so. */
const READ_BY: Readonly<Record<string, string>> = {
  Blob: 'slice',
  File: 'slice',
  Request: 'clone',
  Response: 'clone',
  ReadableStream: 'getReader',
};

function byteSource(source: WeightsSource, fetch: typeof globalThis.fetch): ByteSource {
  const kind = tag(source); // an iframe's File is a File, too
  const [method, read] = [READ_BY[kind], Object(source)[READ_BY[kind] ?? '']];
  if (method && typeof read !== 'function') throw new TypeError(`${kind} without ${method}`);
  if (typeof source === 'string' || kind === 'URL' || kind === 'Request') {
    const given = kind === 'Request' ? (source as Request) : undefined;
    const name = address(given?.url ?? String(source));
    const request = () => given?.clone() ?? String(source);
    return {
      name,
      rereadable: true,
      async open(signal) {
        const until = either(given?.signal, signal);
        return responseBytes(await responseOf(request, name, fetch, until), name, until);
      },
    };
  }
  if (kind === 'Response') {
    const response = source as Response;
    const name = response.url ? address(response.url) : 'response';
    return { name, rereadable: false, open: async (signal) => responseBytes(response, name, signal) };
  }
  if (kind === 'Blob' || kind === 'File') {
    const blob = source as Blob;
    return { name: (blob as File).name || 'blob', rereadable: true, open: async () => ({ pieces: piecesOfBlob(blob), length: blob.size }) };
  }
  if (kind === 'ReadableStream') {
    const stream = source as ReadableStream<Uint8Array>;
    const open = async (signal: AbortSignal) => {
      if (stream.locked) throw badOption('The stream of weights is locked: something else is reading it.');
      return { pieces: piecesOf(stream, signal), length: undefined };
    };
    return { name: 'stream', rereadable: false, open };
  }
  if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer' || kind === 'Uint8Array') {
    const given = source as ArrayBuffer | Uint8Array;
    const bytes = () => present(given);
    bytes();
    return { name: 'bytes', rereadable: true, open: async () => ({ pieces: piecesOfBytes(bytes()), length: bytes().length }) };
  }
  throw badOption(
    `Weights are given as ${shown(source)}; give an address, Request, Response, Blob, File, ArrayBuffer, Uint8Array or ReadableStream.`,
  );
}

/** The bytes, if they are still there: memory that was transferred, to a worker say, is not. */
function present(given: ArrayBuffer | Uint8Array): Uint8Array {
  try {
    const bytes = 'buffer' in given ? given : new Uint8Array(given);
    void new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length); // throws where the memory is gone, or too short for the view
    return bytes;
  } catch (cause) {
    throw badOption('The memory of the weights was transferred or made shorter; give it as long as it is here.', {
      cause,
    });
  }
}

/** In pieces, since memory that may be resized or is shared is copied as it is read. */
async function* piecesOfBytes(bytes: Uint8Array): Pieces {
  const piece = plainBytes(bytes.subarray(0, 1)).buffer === bytes.buffer ? bytes.length : PIECE;
  for (let at = 0; at < bytes.length; at += piece) yield plainBytes(bytes.subarray(at, at + piece));
}

const PIECE = 4 * 1024 * 1024;

/** Bytes of a Blob's pieces, and how many of them are on their way at most. */
const BLOB_PIECE = 2 ** 20;
const AHEAD = 16;

/** Pieces are read ahead: Node's own stream brings 64 KiB, and the next when this thread asks for them, which has parameters to make. */
async function* piecesOfBlob(blob: Blob): Pieces {
  const ahead: Promise<ArrayBuffer>[] = [];
  let at = 0;
  for (let asked = 1; ; asked++) {
    // Who reads a header wants no more than that.
    for (; ahead.length < Math.min(asked, AHEAD) && at < blob.size; at += BLOB_PIECE) {
      const piece = blob.slice(at, at + BLOB_PIECE).arrayBuffer();
      piece.catch(() => {}); // told when its turn comes
      ahead.push(piece);
    }
    const piece = ahead.shift();
    if (!piece) return;
    yield new Uint8Array(await piece);
  }
}
