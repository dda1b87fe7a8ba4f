/** One request for a file of weights, from some byte on: which of its failures are worth another try, and where its bytes belong. */
import { aborted, either, FaceXFormerError } from '../gpu/errors.ts';
import { within } from '../gpu/waiting.ts';
import { address, answerOf, harmless, isAbort, isEncoded, message, type Pieces, piecesOf } from './bytes.ts';
import type { ChunkStore } from './store.ts';

/** A file of weights as its config.json describes it. */
export interface HostedFile {
  readonly name: string;
  readonly bytes: number;
  /** The hash of the whole file, in hexadecimal; its chunks bear it as their name in the cache. */
  readonly sha256: string;
  /** The hashes of the chunks; the last chunk may be shorter than the others. */
  readonly chunks: readonly string[];
  readonly chunkBytes: number;
  /** The header of the safetensors file, its JSON as it stands there: what has it need not open a file to know its tensors. */
  readonly header?: string;
}

/** How patient a download of hosted weights is. */
export interface RetryOptions {
  /** Tries a chunk, the first included. 4 unless given. */
  tries?: number | undefined;
  /** Milliseconds before the second try, twice as many before each further one. 500 unless given. */
  delay?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as dead. 30,000 unless given. */
  stall?: number | undefined;
}

/** How an address is fetched. */
export interface Fetching {
  fetch: typeof globalThis.fetch;
  signal?: AbortSignal | undefined;
  retry?: RetryOptions | undefined;
}

export interface DownloadOptions extends Fetching {
  /** undefined: nothing is kept. */
  store?: ChunkStore | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Told where the bytes end that have come, as they do. */
  onBytes?: ((end: number) => void) | undefined;
  /** Called when the file cannot be had as it is described: the description may be of another version. */
  onFailure?: (() => Promise<void> | undefined) | undefined;
}

/** A failure after which another try may succeed. */
export class Passing extends Error {
  constructor(
    readonly error: FaceXFormerError,
    readonly wait = 0,
  ) {
    super(error.message);
  }
}

/** Bytes a second below which a connection counts as dead, however regularly they drip. */
const SLOWEST = 1024;

/** One request, and its answer as it comes. */
export class Connection {
  /** Where in the file the next byte is from. */
  at = 0;
  #chunk = new Uint8Array(0);
  /** Of the stretch over which the connection's speed is taken: milliseconds of waiting, and the bytes that came. */
  #waited = 0;
  #lately = 0;

  private constructor(
    private readonly url: string,
    readonly response: Response,
    private readonly pieces: Pieces,
    private readonly stop: AbortController,
    private readonly options: DownloadOptions,
  ) {}

  /** Asks an address, and waits for the head of its answer. */
  static async to(url: string, options: DownloadOptions): Promise<Connection> {
    const stop = new AbortController();
    const until = either(options.signal, stop.signal);
    const init = { signal: until, cache: 'no-store', headers: { ...options.headers } } as const;
    const response = await inTime(options, stop, url, () => answerOf(options.fetch, url, init));
    checkStatus(url, response);
    return new Connection(url, response, piecesOf(response.body, until), stop, options);
  }

  /** Asks for a file, from some byte to its end. */
  static async open(
    url: string,
    file: Pick<HostedFile, 'bytes' | 'chunkBytes'>,
    from: number,
    options: DownloadOptions,
  ): Promise<Connection> {
    const headers = { ...options.headers, ...(from > 0 && { range: `bytes=${from}-` }) };
    const connection = await Connection.to(url, { ...options, headers });
    try {
      connection.at = startOf(url, file, from, connection.response);
      // A server without ranges begins at 0 again: skip what is here already.
      while (connection.at < from) await connection.take(Math.min(file.chunkBytes, from - connection.at));
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Exactly n bytes. */
  async take(n: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(n);
    for (let have = 0; have < n; ) {
      const piece = this.#chunk.length > 0 ? this.#chunk : await this.next();
      if (!piece) throw new Passing(unreachable(this.url, `the answer ended at byte ${this.at}`));
      const part = piece.subarray(0, n - have);
      out.set(part, have);
      this.#chunk = piece.subarray(part.length);
      have += part.length;
      this.at += part.length;
    }
    return out;
  }

  /** What comes next, whatever its length; undefined at the answer's end. */
  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const begin = performance.now();
    const { value } = await inTime(this.options, this.stop, this.url, () => this.pieces.next());
    if (!value) return undefined;
    this.options.onBytes?.(this.at + value.length);
    this.#lately += value.length;
    this.#waited += performance.now() - begin;
    if (this.#waited >= 2 * stallOf(this.options)) {
      if (this.#lately < (SLOWEST * this.#waited) / 1000)
        throw new Passing(unreachable(this.url, `only ${this.#lately} bytes came in ${Math.round(this.#waited / 1000)} s`));
      this.#waited = 0;
      this.#lately = 0;
    }
    return value as Uint8Array<ArrayBuffer>;
  }

  close(): void {
    this.stop.abort();
  }
}

/** Milliseconds of patience, no more than timers know. */
export const stallOf = ({ retry }: Pick<DownloadOptions, 'retry'>): number => Math.min(retry?.stall ?? 30_000, 2 ** 31 - 1);

/** A whole small file. */
export async function fetchSmall(url: string, limit: number, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const connection = await Connection.to(url, options);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (let piece = await connection.next(); piece; piece = await connection.next()) {
    pieces.push(piece);
    length += piece.length;
    if (length <= limit) continue;
    connection.close();
    throw new FaceXFormerError('BAD_WEIGHTS_FILE', `${address(url)} is longer than ${limit} bytes: it is no description of weights.`);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** The file's length, where an answer from its beginning on says it. */
export const lengthOf = (response: Response): string | null =>
  isEncoded(response) || response.status === 206 ? null : response.headers.get('content-length');

/** Runs one step of a request; without an end after so many milliseconds the request is given up. */
async function inTime<T>(options: DownloadOptions, stop: AbortController, url: string, step: () => Promise<T>): Promise<T> {
  const stall = stallOf(options);
  const stalled = () => {
    stop.abort();
    return new Error(`no byte came for ${stall / 1000} s`);
  };
  try {
    return await within(stall, step(), stalled);
  } catch (cause) {
    if (cause instanceof FaceXFormerError || cause instanceof Passing) throw cause;
    if (isAbort(cause)) throw aborted(cause);
    throw new Passing(unreachable(url, message(cause), cause));
  }
}

function unreachable(url: string, why: string, cause?: unknown): FaceXFormerError {
  return new FaceXFormerError(
    'WEIGHTS_UNREACHABLE',
    `The weights could not be fetched from ${address(url)}: ${why}. Check the address, the network and the server's CORS headers.`,
    { cause: harmless(cause) },
  );
}

/** Whether an answer is a web page, as that of a network that wants one to log in. */
export const isPage = ({ headers }: Response): boolean => /^text\/html\b/i.test(headers.get('content-type') ?? '');

function checkStatus(url: string, response: Response): void {
  if (response.ok && !isPage(response)) return;
  response.body?.cancel().catch(() => undefined);
  if (response.ok)
    throw new FaceXFormerError('BAD_WEIGHTS_FILE', `${address(url)} is a web page, not a file of weights: check the address.`);
  const error = unreachable(url, `the server answered ${`${response.status} ${response.statusText}`.trim()}`);
  if (response.status < 500 && ![408, 425, 429].includes(response.status)) throw error;
  const wait = Number(response.headers.get('retry-after'));
  throw new Passing(error, wait > 0 ? Math.min(wait, 30) * 1000 : 0);
}

/** Where in the file the answer begins, which must not be behind what is asked for; its length is checked where the answer tells it. */
function startOf(url: string, file: Pick<HostedFile, 'bytes'>, from: number, response: Response): number {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  const length = range?.[2] ?? lengthOf(response);
  if (typeof length === 'string' && Number(length) !== file.bytes)
    throw new FaceXFormerError(
      'BAD_WEIGHTS_FILE',
      `${address(url)} has ${length} bytes, and config.json says ${file.bytes}: they are not of one version.`,
    );
  // Other origins may hide Content-Range; then the status must do, and the hashes decide.
  const start = range ? Number(range[1]) : response.status === 206 ? from : 0;
  if (start <= from) return start;
  throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${address(url)} answered a request from byte ${from} with bytes from ${start} on.`);
}
