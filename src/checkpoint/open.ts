/** Opens a safetensors file wherever it is, reads its header, and then its tensors one by one. */
import { checkSignal, FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { address, ByteReader, type ByteSource, fetchBytes, plainBytes, responseBytes, tag } from './bytes.ts';
import type { Checkpoint, ReadOptions } from './checkpoint.ts';
import type { RetryOptions } from './connection.ts';
import { hostedSources, joined } from './hosted.ts';
import { badFile, headerLength, parseHeader, type SafetensorsHeader, wrongLength } from './safetensors.ts';

/** Where weights can be read from; a stream, a Request's body and a Response only once. */
export type WeightsSource = string | URL | Request | Response | Blob | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array>;

/** What `openCheckpoint` takes. */
export interface OpenOptions {
  signal?: AbortSignal | undefined;
  /** Fetches addresses; the runtime's own unless given. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Whether hosted weights are kept for the next visit and taken from the last one (`weightCache`); true unless given. */
  cache?: boolean | undefined;
  /** How patient the download of hosted weights is. */
  retry?: RetryOptions | undefined;
}

/**
 * Opens a checkpoint: hosted weights, by the address of their folder (ending in `/`) or of its config.json, which are verified, kept
 * for the next visit, and resumed where the network broke off; or one safetensors file, by its address (string or URL, fetched), in a
 * Request, Response, Blob, File or bytes, or as a stream. The header is read at once, the tensors when `read` asks for them: never more
 * than the largest tensor and small chunks are held. Addresses, Blobs and bytes can be read again. If a checkpoint of an address or a
 * stream is opened and not read, abort the signal. Hosted weights give up a connection that falls silent; a single file or a stream is
 * waited for until the signal says otherwise.
 * @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE, BAD_OPTION, ABORTED
 */
export async function openCheckpoint(source: WeightsSource, { signal, fetch, cache = true, retry }: OpenOptions = {}): Promise<Checkpoint> {
  checkSignal(signal);
  throwIfAborted(signal);
  const fetching = fetch ?? globalThis.fetch.bind(globalThis);
  if ((typeof source !== 'string' && tag(source) !== 'URL') || !isHosted(String(source)))
    return openBytes(byteSource(source, fetching), signal);
  const [first, ...others] = await hostedSources(String(source), { signal, fetch: fetching, cache, retry });
  if (others.length === 0) return openBytes(first as ByteSource, signal);
  const parts: Checkpoint[] = [];
  for (const part of [first as ByteSource, ...others]) parts.push(await openBytes(part, signal, false));
  return joined(address(String(source)), parts);
}

/** Whether the address is that of hosted weights: of their folder, or of their config.json. Some stores write a path as one segment, its slashes as %2F. */
export function isHosted(url: string): boolean {
  return /(\/|%2F|(^|\/|%2F)config\.json)$/i.test(url.split(/[?#]/, 1)[0] as string);
}

/** Reads the header. `keep`: the opened source waits for the first reading, instead of being opened again. */
async function openBytes(bytes: ByteSource, signal: AbortSignal | undefined, keep = true): Promise<Checkpoint> {
  const first = new ByteReader(bytes.name, await bytes.open(signal));
  const { header, text } = await guarded(first, signal, () => readHeader(first));
  let waiting: ByteReader | undefined = keep ? first : undefined;
  if (!keep) first.cancel();
  signal?.addEventListener('abort', () => waiting?.cancel(), { once: true });

  /** The opened reader, for the first reading; later ones open the source anew. */
  const begin = async (readSignal: AbortSignal | undefined): Promise<ByteReader> => {
    const opened = waiting;
    waiting = undefined;
    if (opened) return opened;
    if (!bytes.rereadable)
      throw new FaceXFormerError('BAD_OPTION', `The weights of a ${bytes.name} can be read only once; open them again.`);
    const reader = new ByteReader(bytes.name, await bytes.open(readSignal));
    const again = await guarded(reader, readSignal, () => readHeader(reader));
    if (again.text === text) return reader;
    reader.cancel();
    throw badFile(`${bytes.name} changed between two readings`);
  };

  return {
    source: bytes.name,
    tensors: header.tensors,
    rereadable: bytes.rereadable,
    read: (options) => readTensors(header, begin, options),
  };
}

async function readHeader(reader: ByteReader): Promise<{ header: SafetensorsHeader; text: string }> {
  const start = (await reader.take(8)).slice();
  const length = headerLength(start, reader.length);
  const json = await reader.take(length);
  const bytes = new Uint8Array(8 + json.length);
  bytes.set(start);
  bytes.set(json, 8);
  return { header: parseHeader(bytes, reader.length), text: new TextDecoder().decode(bytes.subarray(8)) };
}

async function* readTensors(
  header: SafetensorsHeader,
  begin: (signal: AbortSignal | undefined) => Promise<ByteReader>,
  { signal, onProgress }: ReadOptions = {},
) {
  checkSignal(signal);
  throwIfAborted(signal);
  const reader = await begin(signal);
  const progress = () => onProgress?.(Math.min(Math.max(reader.arrived - header.dataStart, 0), header.dataBytes), header.dataBytes);
  reader.onChunk = progress;
  try {
    progress();
    let end = header.dataStart;
    for (const info of header.tensors.values()) {
      const data = await guarded(reader, signal, () => reader.take(info.bytes));
      end += data.length;
      if (data.length < info.bytes) throw wrongLength(end, header.dataStart + header.dataBytes);
      yield { info, data };
    }
    if (!(await guarded(reader, signal, () => reader.ended()))) throw wrongLength(reader.arrived, end);
  } finally {
    reader.cancel();
  }
}

/** Runs one step of reading; an abort ends even a step that waits for bytes, and a failure lets go of the source. */
async function guarded<T>(reader: ByteReader, signal: AbortSignal | undefined, step: () => Promise<T>): Promise<T> {
  const stop = () => reader.cancel();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    throwIfAborted(signal);
    const result = await step();
    throwIfAborted(signal);
    return result;
  } catch (error) {
    reader.cancel();
    throwIfAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function byteSource(source: WeightsSource, fetch: typeof globalThis.fetch): ByteSource {
  const kind = tag(source); // an iframe's File is a File, too
  if (typeof source === 'string' || kind === 'URL' || kind === 'Request') {
    const name = address(kind === 'Request' ? (source as Request).url : String(source));
    const request = () => (kind === 'Request' ? (source as Request).clone() : String(source));
    return { name, rereadable: true, open: (signal) => fetchBytes(request, name, fetch, signal) };
  }
  if (kind === 'Response') {
    const response = source as Response;
    const name = response.url ? address(response.url) : 'response';
    return { name, rereadable: false, open: async () => responseBytes(response, name) };
  }
  if (kind === 'Blob' || kind === 'File') {
    const blob = source as Blob;
    return { name: (blob as File).name || 'blob', rereadable: true, open: async () => ({ stream: blob.stream(), length: blob.size }) };
  }
  if (kind === 'ReadableStream') {
    const stream = source as ReadableStream<Uint8Array>;
    return { name: 'stream', rereadable: false, open: async () => ({ stream: unlocked(stream), length: undefined }) };
  }
  if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer' || kind === 'Uint8Array') {
    const given = source as ArrayBuffer | Uint8Array;
    const bytes = () => present(given);
    bytes();
    return { name: 'bytes', rereadable: true, open: async () => ({ stream: streamOf(bytes()), length: bytes().length }) };
  }
  throw new FaceXFormerError(
    'BAD_OPTION',
    `Weights are given as ${source === null ? 'null' : typeof source}; give an address, Request, Response, Blob, File, ArrayBuffer, Uint8Array or ReadableStream.`,
  );
}

/** The bytes, if they are still there: memory that was transferred, to a worker say, is not. */
function present(given: ArrayBuffer | Uint8Array): Uint8Array {
  try {
    const bytes = 'buffer' in given ? given : new Uint8Array(given);
    void new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length); // throws where the memory is gone, or too short for the view
    return bytes;
  } catch (cause) {
    throw new FaceXFormerError('BAD_OPTION', 'The memory of the weights was transferred or made shorter; give it as long as it is here.', {
      cause,
    });
  }
}

function unlocked(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  if (stream.locked) throw new FaceXFormerError('BAD_OPTION', 'The stream of weights is locked: something else is reading it.');
  return stream;
}

/** In pieces, since memory that may be resized or is shared is copied as it is read. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const piece = plainBytes(bytes.subarray(0, 1)).buffer === bytes.buffer ? bytes.length : PIECE;
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(plainBytes(bytes.subarray(at, at + piece)));
        at += piece;
      },
    },
    { highWaterMark: 0 },
  );
}

const PIECE = 4 * 1024 * 1024;
