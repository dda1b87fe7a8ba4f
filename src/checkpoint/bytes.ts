/** Bytes in order from wherever weights come from: one reader over pieces as they come, with one buffer that it uses again and again. */
import { aborted, badOption, either, FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { said, tag } from '../gpu/given.ts';
import { pause, unless, whenThere } from '../gpu/waiting.ts';

/** Where bytes come from. */
export interface ByteSource {
  /** What messages call it. */
  readonly name: string;
  readonly rereadable: boolean;
  /** Ends a reading that is given no signal of its own. */
  readonly signal?: AbortSignal | undefined;
  /** `onArrival` is told how many bytes have come, of a source that gives them later: when their hash was right. */
  open(signal: AbortSignal, onArrival: (bytes: number) => void): Promise<OpenedBytes>;
  /** Called when the bytes were no file of weights: what an earlier visit kept of them is of no use. */
  forget?(): void;
}

/** Bytes in their order, in pieces of any length. */
export type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

export interface OpenedBytes {
  readonly pieces: Pieces;
  /** Bytes in all, where the source says so. */
  readonly length: number | undefined;
}

/** Opens a source and reads it. */
export async function readerOf(bytes: ByteSource, signal = bytes.signal): Promise<ByteReader> {
  const stop = new AbortController();
  let reader: ByteReader | undefined;
  const until = bytes.rereadable ? either(signal, stop.signal) : stop.signal; // a stream goes on after the signal by which it was opened
  const opened = await bytes.open(until, (arrived) => reader?.arrive(arrived));
  reader = new ByteReader(bytes, opened, stop);
  return reader;
}

/** What a stream gives, as it comes. An abort lets go of the stream, and ends the waiting for a piece. */
export function piecesOf(stream: ReadableStream<Uint8Array> | null, signal: AbortSignal): Pieces {
  const reader = stream?.getReader();
  // The stream's own clean-up may take its time, and its failure no longer matters.
  const letGo = () => reader?.cancel().catch(() => undefined);
  if (signal.aborted) letGo();
  else signal.addEventListener('abort', letGo, { once: true });
  async function* pieces(): Pieces {
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) yield next.value;
    throwIfAborted(signal); // what is let go of ends as well
  }
  return pieces();
}

export class ByteReader {
  /** Bytes that have arrived. */
  arrived = 0;
  /** Called as bytes arrive, with how many have. */
  onArrival: ((arrived: number) => void) | undefined;
  /** Bytes that the pieces had. */
  #given = 0;
  #chunk = new Uint8Array(0);
  #room = new Uint8Array(0);

  constructor(
    private readonly source: ByteSource,
    readonly opened: OpenedBytes,
    private readonly stop: AbortController,
  ) {}

  /**
   * The next n bytes, or fewer where the source ends. They are valid until the next call: either a part of the arrived chunk or,
   * put together, the reader's own buffer. That buffer grows no faster than bytes arrive, unless the source's length is known.
   */
  async take(n: number): Promise<Uint8Array> {
    if (this.#chunk.length === 0 && n > 0) await this.#next();
    if (this.#chunk.length >= n) return this.#cut(n);
    let have = 0;
    while (have < n) {
      if (this.#chunk.length === 0 && !(await this.#next())) break;
      const part = this.#cut(Math.min(n - have, this.#chunk.length));
      this.#reserve(have, have + part.length, n);
      this.#room.set(part, have);
      have += part.length;
    }
    return this.#room.subarray(0, have);
  }

  /** Whether the source has no more bytes. */
  async ended(): Promise<boolean> {
    return this.#chunk.length === 0 && !(await this.#next());
  }

  /** That so many bytes have come, from the source's beginning on. */
  arrive(bytes: number): void {
    this.arrived = Math.max(this.arrived, bytes);
    this.onArrival?.(this.arrived);
  }

  /** Lets go of the source; a read under way ends at once. */
  cancel(): void {
    this.stop.abort();
    this.opened.pieces.return().catch(() => undefined);
  }

  /** The same, since reading failed; bytes that turn out to be no file of weights are kept for no later visit. */
  fail(error: unknown): never {
    this.cancel();
    if (error instanceof FaceXFormerError && error.code === 'BAD_WEIGHTS_FILE') this.source.forget?.();
    throw error;
  }

  #cut(n: number): Uint8Array {
    const part = this.#chunk.subarray(0, n);
    this.#chunk = this.#chunk.subarray(n);
    return part;
  }

  async #next(): Promise<boolean> {
    for (let empty = 1; ; empty++) {
      const { done, value } = await this.opened.pieces.next().catch((cause: unknown) => {
        throw unreachable(`Reading ${this.source.name} broke off`, cause, 'Try again.');
      });
      if (done) return false;
      if (tag(value) !== 'Uint8Array') throw badOption(`The stream of weights gave a ${typeof value}; its chunks must be Uint8Array.`);
      this.#given += value.length;
      this.arrive(this.#given);
      if (value.length === 0) {
        if (empty % 100 === 0) await pause(0, undefined); // or a source of nothing else would let nobody hear an abort
        continue;
      }
      this.#chunk = plainBytes(value);
      return true;
    }
  }

  #reserve(have: number, needed: number, wanted: number): void {
    if (this.#room.length >= needed) return;
    const size = this.opened.length === undefined ? Math.min(wanted, Math.max(needed, 2 * this.#room.length)) : wanted;
    const old = this.#room;
    try {
      this.#room = new Uint8Array(size);
    } catch (cause) {
      throw new FaceXFormerError('LIMIT', `No memory for a tensor of ${wanted} bytes.`, { cause });
    }
    this.#room.set(old.subarray(0, have));
  }
}

/**
 * The bytes as a plain Uint8Array of this realm, even where they are Node's Buffer, whose slice is no copy. Those of a buffer that others
 * may resize or write meanwhile are copied: neither decoders nor the GPU take them.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes as Uint8Array<ArrayBuffer & { resizable?: boolean }>;
  return tag(buffer) === 'SharedArrayBuffer' || buffer.resizable ? new Uint8Array(bytes) : new Uint8Array(buffer, byteOffset, length);
}

/** What to throw when a source of bytes fails: what did, why, and what to do. */
function unreachable(what: string, cause: unknown, todo: string): FaceXFormerError {
  if (cause instanceof FaceXFormerError) return cause;
  if (isAbort(cause)) return aborted(cause);
  return new FaceXFormerError('WEIGHTS_UNREACHABLE', `${what}: ${message(cause)}. ${todo}`, { cause: harmless(cause) });
}

/** What an address answers. @throws FaceXFormerError WEIGHTS_UNREACHABLE, ABORTED */
export async function responseOf(
  request: () => RequestInfo,
  name: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
  init: RequestInit = {},
): Promise<Response> {
  throwIfAborted(signal);
  try {
    return await answerOf(fetch, request(), { ...init, signal });
  } catch (cause) {
    throwIfAborted(signal);
    throw unreachable(`Could not fetch the weights from ${name}`, cause, "Check the address, the network and the server's CORS headers.");
  }
}

/** What `fetch` gives, unless the signal is aborted, which an app's own may not hear. @throws TypeError: no Response, or one that was read; FaceXFormerError ABORTED */
export async function answerOf(
  fetch: typeof globalThis.fetch,
  request: RequestInfo,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<Response> {
  const asked = Promise.resolve(fetch(request, init));
  const answer = await unless(init.signal, asked).finally(() => {
    if (init.signal.aborted) whenThere(asked, (late) => void late?.body?.cancel?.().catch(() => undefined));
  });
  if (!answer?.headers?.get || (answer.body !== null && !answer.body?.getReader))
    throw new TypeError('`fetch` gave no Response of the web');
  if (answer.bodyUsed || answer.body?.locked) throw new TypeError('`fetch` gave a Response that has been read already');
  return answer;
}

/** The body of an answer. @throws FaceXFormerError WEIGHTS_UNREACHABLE for a failure status, BAD_OPTION for a body already read */
export function responseBytes(response: Response, name: string, signal: AbortSignal): OpenedBytes {
  if (!response.ok) {
    response.body?.cancel().catch(() => undefined);
    const status = `${response.status} ${response.statusText}`.trim();
    throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `The server answered ${status} for the weights at ${name}. Check the address.`);
  }
  if (response.bodyUsed || response.body?.locked) throw badOption('The Response of weights has been read already; give a fresh one.');
  const header = isEncoded(response) ? null : response.headers.get('content-length');
  const length = header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  return { pieces: piecesOf(response.body, signal), length };
}

/** Whether the length that the answer tells may count encoded bytes. Another origin's answer does not show whether it is encoded. */
export function isEncoded({ type, headers }: Response): boolean {
  return type === 'cors' || headers.get('content-encoding') !== null;
}

/** The address as results and messages may show it: without the parts in which passwords, signatures and tokens stand. */
export function address(url: string): string {
  const plain = (url.split(/[?#]/, 1)[0] as string).replace(/^([a-z][a-z\d+.-]*:\/*)[^/@]*@/i, '$1');
  return plain.length > 120 ? `${plain.slice(0, 117)}...` : plain;
}

const shown = (text: string): string => text.replace(/\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>]+/gi, address);

/** The cause of an error, unless it tells a secret part of an address, as fetch does of one that holds a password. */
export function harmless(cause: unknown): unknown {
  for (let one = cause; one instanceof Error; one = one.cause) if (shown(one.message) !== one.message) return undefined;
  return cause;
}

export function isAbort(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'AbortError';
}

/** What went wrong, with what was behind it: Node's fetch says only there which host it did not find. Without the full stop, which browsers may set. */
export function message(cause: unknown): string {
  const behind = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : '';
  return shown(said(cause) + behind).replace(/\.$/, '');
}
