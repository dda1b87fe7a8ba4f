/**
 * A file at an address, read anywhere by HTTP ranges. What has been read stays in a file beside the result, at its own place, so that
 * a broken-off download goes on where it stopped. A server without ranges is read from beginning to end, once. Where the server names no
 * version of the file, parts of two versions might meet: that is harmless in a zip archive, whose own checksums tell; anything else then
 * comes whole by one request, and what broke off is begun again. So does a file whose length the server does not say, as where it packs it on the way.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { address } from '../../src/checkpoint/bytes.ts';
import { Connection, type DownloadOptions, lengthOf, Passing, type RetryOptions } from '../../src/checkpoint/connection.ts';
import { patiently } from '../../src/checkpoint/download.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { isLink, obstacle, save } from '../../tools/save.ts';
import { openFile, type RandomAccess } from './source.ts';

interface AddressOptions {
  /** The file in which read bytes stay, and beside it `.json` with what they are. */
  partial: string;
  signal?: AbortSignal | undefined;
  retry?: RetryOptions | undefined;
  /** Bytes that the file must have. */
  size?: number | undefined;
  fetch?: typeof globalThis.fetch | undefined;
  /** Told the bytes that are here, and how many there will be, as far as that is known. */
  onProgress?: ((fetched: number, size: number) => void) | undefined;
}

export interface Address extends RandomAccess {
  readonly etag: string | null;
  /** Forgets what was kept: the result is whole. */
  forget(): Promise<void>;
}

/** Bytes as they are: packed ones have neither a length nor places. */
const PLAIN = { 'accept-encoding': 'identity' };

const BLOCK = 1024 * 1024;
/** Bytes between two notes on disk of what is there. */
const NOTE_EVERY = 32 * BLOCK;
/** A gap that is read and thrown away rather than asked around. */
const SKIP = 2 * BLOCK;

/** @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE, LIMIT, ABORTED */
export async function openAddress(url: string, options: AddressOptions): Promise<Address> {
  const { fetch = globalThis.fetch, signal, retry } = options;
  const found = await patiently(() => probe(url, { fetch, signal, retry }), signal, retry);
  const { bytes: size, etag, validator, ranges } = found;
  if (size === undefined) return openWhole(url, etag, { ...options, fetch });
  mustBe(options.size, size, url);
  const kept = await PartialFile.open(options.partial, { url, size, etag, validator });
  return new HttpFile(kept, ranges, { ...options, fetch });
}

/** What an address has: its length, where the server says it, its names for the version, and whether it can be read from any byte on. */
async function probe(url: string, options: DownloadOptions) {
  const connection = await Connection.to(url, { ...options, headers: { ...PLAIN, range: 'bytes=0-0' } });
  connection.close();
  const { response } = connection;
  const { headers, status } = response;
  const range = headers.has('content-encoding') ? undefined : /^bytes 0-0\/(\d+)$/.exec(headers.get('content-range') ?? ''); // else of packed bytes
  const length = range?.[1] ?? lengthOf(response);
  const bytes = length !== null && Number.isSafeInteger(Number(length)) ? Number(length) : undefined;
  return { bytes, ranges: status === 206, etag: headers.get('etag'), validator: validatorOf(headers) };
}

/** What only these very bytes are called, RFC 9110, 8.8: a strong ETag, or a time that was well past when it was told. */
function validatorOf(headers: Headers): string | null {
  const etag = headers.get('etag');
  const modified = headers.get('last-modified');
  const isPast = modified !== null && Date.parse(headers.get('date') ?? '') - Date.parse(modified) >= 60_000;
  return etag !== null && !etag.startsWith('W/') ? etag : isPast ? modified : null;
}

function mustBe(wanted: number | undefined, size: number, url: string): void {
  if (wanted !== undefined && size !== wanted)
    throw new FaceXFormerError('BAD_WEIGHTS_FILE', `${url} has ${size} bytes instead of ${wanted}: it is another version of the file.`);
}

/** A file of which nothing is known before all of it is here. */
async function openWhole(url: string, etag: string | null, options: Fetching): Promise<Address> {
  const { partial, signal, retry } = options;
  await patiently(() => save(partial, piecesOf(url, options)), signal, retry);
  const file = await openFile(partial);
  const forget = async () => {
    await file.close();
    await rm(partial, { force: true });
  };
  try {
    mustBe(options.size, file.size, url);
  } catch (error) {
    await forget();
    throw error;
  }
  return { ...file, name: address(url), etag, forget };
}

/** The file as it comes, from its beginning. @throws Passing where it breaks off */
async function* piecesOf(url: string, options: Fetching): AsyncGenerator<Uint8Array> {
  const { size, onProgress } = options;
  const connection = await Connection.to(url, { ...options, headers: PLAIN });
  try {
    let fetched = 0;
    for (let piece = await connection.next(); piece; piece = await connection.next()) {
      fetched += piece.length;
      onProgress?.(fetched, size ?? fetched);
      yield piece;
    }
    // A packed answer that is cut short ends like a whole one.
    if (fetched < (size ?? 0))
      throw new Passing(new FaceXFormerError('WEIGHTS_UNREACHABLE', `${address(url)} ended at byte ${fetched} of ${size}. Try again.`));
  } finally {
    connection.close();
  }
}

type Fetching = AddressOptions & { fetch: typeof globalThis.fetch };

class HttpFile implements Address {
  readonly name: string;
  readonly #kept: PartialFile;
  readonly #ranges: boolean;
  readonly #options: Fetching;
  #connection: Connection | undefined;
  #unnoted = 0;
  #whole: Promise<void> | undefined;

  constructor(kept: PartialFile, ranges: boolean, options: Fetching) {
    this.name = address(kept.what.url);
    this.#kept = kept;
    this.#ranges = ranges;
    this.#options = options;
  }

  get size(): number {
    return this.#kept.what.size;
  }
  get etag(): string | null {
    return this.#kept.what.etag;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset + length > this.size)
      throw new FaceXFormerError(
        'BAD_WEIGHTS_FILE',
        `${this.name} ends at byte ${this.size}, and says of itself that it goes on to ${offset + length}.`,
      );
    if (!this.#ranges || !(await this.#isSafe())) await this.#complete();
    const last = Math.floor((offset + length - 1) / BLOCK);
    for (let block = Math.floor(offset / BLOCK); block <= last; block++) if (!this.#kept.has(block)) await this.#fetchBlock(block);
    return this.#kept.read(offset, length);
  }

  async #complete(): Promise<void> {
    const { signal, retry } = this.#options;
    if (!(await this.#isSafe())) {
      this.#whole ??= patiently(() => this.#atOnce(), signal, retry);
      return this.#whole;
    }
    for (let block = 0; block < Math.ceil(this.size / BLOCK); block++) if (!this.#kept.has(block)) await this.#fetchBlock(block);
  }

  async close(): Promise<void> {
    this.#connection?.close();
    await this.#kept.close();
  }

  async forget(): Promise<void> {
    await this.close();
    await this.#kept.remove();
  }

  /** Whether parts may come by several requests, since those of another version would be found out. */
  async #isSafe(): Promise<boolean> {
    if (this.#kept.what.validator !== null || this.size < 2) return true;
    if (this.#whole) return false;
    if (!this.#kept.has(0)) await this.#fetchBlock(0);
    const [p, k] = await this.#kept.read(0, 2);
    return p === 0x50 && k === 0x4b;
  }

  /** The whole file by one request, which alone is sure to give one version. */
  async #atOnce(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    this.#kept.clear();
    for (let block = 0; block < Math.ceil(this.size / BLOCK); block++) {
      await this.#kept.write(block, await this.#receive(block));
      this.#options.onProgress?.(this.#kept.bytes, this.size);
    }
  }

  async #fetchBlock(block: number): Promise<void> {
    const { signal, retry } = this.#options;
    const step = () =>
      this.#receive(block).catch((error: unknown) => {
        this.#connection?.close();
        this.#connection = undefined;
        throw error;
      });
    await this.#kept.write(block, await patiently(step, signal, retry));
    this.#unnoted += BLOCK;
    if (this.#unnoted >= NOTE_EVERY) {
      this.#unnoted = 0;
      await this.#kept.note();
    }
    this.#options.onProgress?.(this.#kept.bytes, this.size);
  }

  async #receive(block: number): Promise<Uint8Array> {
    const from = block * BLOCK;
    const gap = this.#connection ? from - this.#connection.at : -1;
    if (gap < 0 || (gap > SKIP && this.#ranges)) {
      this.#connection?.close();
      const { url, validator } = this.#kept.what;
      // The whole file comes where it is of another version by now.
      const headers = { ...PLAIN, ...(from > 0 && validator !== null && { 'if-range': validator }) };
      this.#connection = await Connection.open(url, { bytes: this.size, chunkBytes: BLOCK }, from, { ...this.#options, headers });
      if (validatorOf(this.#connection.response.headers) !== validator)
        throw new FaceXFormerError(
          'BAD_WEIGHTS_FILE',
          `${this.name} changed while it was downloaded. Begin again: the partial file was of another version.`,
        );
    }
    const connection = this.#connection as Connection;
    while (connection.at < from) await connection.take(BLOCK);
    return connection.take(Math.min(BLOCK, this.size - from));
  }
}

interface What {
  url: string;
  size: number;
  etag: string | null;
  /** What only these bytes are called; null: nothing that was kept can be known again. */
  validator: string | null;
}

/** Blocks of a file, each at its own place, and a note of which are there. */
class PartialFile {
  readonly what: What;
  bytes: number;
  readonly #path: string;
  readonly #file: FileHandle;
  /** 1 for a block that is there. */
  readonly #blocks: Uint8Array;
  #closed = false;

  private constructor(path: string, what: What, file: FileHandle, blocks: Uint8Array) {
    this.#path = path;
    this.what = what;
    this.#file = file;
    this.#blocks = blocks;
    this.bytes = Math.min(what.size, BLOCK * blocks.reduce((sum, has) => sum + has, 0));
  }

  static async open(path: string, what: What): Promise<PartialFile> {
    const count = Math.ceil(what.size / BLOCK);
    const note = await readNote(`${path}.json`);
    const there = obstacle(path);
    if (there !== undefined || isLink(path))
      throw new FaceXFormerError('BAD_OPTION', `${path} is ${there ?? 'a link'}; what is downloaded goes into it.`);
    await mkdir(dirname(path), { recursive: true });
    const fits = note?.id === idOf(what) && note.blocks.length === count;
    const file = await open(path, fits ? 'r+' : 'w+').catch(() => open(path, 'w+'));
    const isThere = fits && (await file.stat()).size > 0;
    return new PartialFile(
      path,
      what,
      file,
      Uint8Array.from({ length: count }, (_, i) => (isThere && note?.blocks[i] === '1' ? 1 : 0)),
    );
  }

  clear(): void {
    this.#blocks.fill(0);
    this.bytes = 0;
  }

  has(block: number): boolean {
    return this.#blocks[block] === 1;
  }

  async write(block: number, bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.write(bytes, 0, bytes.length, block * BLOCK);
    } catch (cause) {
      throw new FaceXFormerError('LIMIT', `No room on the disk for ${this.#path}: ${cause instanceof Error ? cause.message : cause}.`, {
        cause,
      });
    }
    this.#blocks[block] = 1;
    this.bytes += bytes.length;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let have = 0; have < length; ) {
      const { bytesRead } = await this.#file.read(bytes, have, length - have, offset + have);
      if (bytesRead === 0) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${this.#path} became shorter while it was read.`);
      have += bytesRead;
    }
    return bytes;
  }

  /** The data first, then the note: a note never speaks of bytes that are not there. */
  async note(): Promise<void> {
    await this.#file.sync();
    await save(`${this.#path}.json`, [new TextEncoder().encode(JSON.stringify({ id: idOf(this.what), blocks: this.#blocks.join('') }))]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.note();
    await this.#file.close();
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
    await rm(`${this.#path}.json`, { force: true });
  }
}

async function readNote(path: string): Promise<{ id: string; blocks: string } | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(path, 'utf8'));
    const { id, blocks } = note as { id: unknown; blocks: unknown };
    return typeof id === 'string' && typeof blocks === 'string' ? { id, blocks } : undefined;
  } catch {
    return undefined;
  }
}

function idOf({ url, size, validator }: What): string {
  return createHash('sha256')
    .update(JSON.stringify([url, size, validator]))
    .digest('hex');
}
