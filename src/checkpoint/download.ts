/** Fetches a file in chunks of known SHA-256: resumed where it broke off, tried again with patience, never passed on unverified. */

import { either, FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { pause, unless } from '../gpu/waiting.ts';
import { address } from './bytes.ts';
import { Connection, type DownloadOptions, type HostedFile, Passing, type RetryOptions, stallOf } from './connection.ts';

/** The file's bytes in order, a chunk a piece: from the store where it has them whole, else from the address. */
export async function* verifiedPieces(
  url: string,
  file: HostedFile,
  options: DownloadOptions & { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { signal, store } = options;
  const download = downloadOf(url, file, options);
  /** The chunk that an earlier visit kept, or another tab meanwhile. */
  const kept = async (i: number) => {
    const chunk = await unless(signal, store?.get(file.sha256, i));
    return chunk && (await sha256(chunk)) === file.chunks[i] ? chunk : undefined;
  };
  const fetched = async (i: number) => {
    const chunk = await download(i);
    const put = store?.put(file.sha256, i, chunk).catch(() => {}); // a full disk is no reason to stop
    await unless(signal, put);
    return chunk;
  };
  const whole = async (i: number) => {
    const here = await kept(i);
    if (here) return here;
    const end = await turnFor(`${file.sha256} ${i}`, options);
    try {
      return (await kept(i)) ?? (await fetched(i));
    } finally {
      end?.();
    }
  };
  try {
    let next = whole(0);
    for (let i = 1; i <= file.chunks.length; i++) {
      const chunk = await next;
      if (i < file.chunks.length) next = whole(i); // while this one is worked on
      next.catch(() => {}); // told when its turn comes
      yield chunk;
    }
  } catch (error) {
    if (!signal.aborted) await options.onFailure?.();
    throw error;
  }
}

/** What of the Lock Manager is asked here. */
interface Locks {
  request(name: string, options: { signal: AbortSignal }, hold: () => Promise<void>): Promise<unknown>;
}

/** This page's own locks, for work of which no other page sees the result, and where a runtime has none. */
const held = new Map<string, Promise<void>>();
const own: Locks = {
  async request(name, { signal }, hold) {
    while (held.has(name)) await unless(signal, held.get(name));
    held.set(
      name,
      hold().then(() => void held.delete(name)),
    );
  },
};

/**
 * Waits until no other load, in this tab or another, does a piece of work whose result goes into the store that all of them see.
 * @returns ends the turn; undefined where it did not come for as long as a connection may be silent: the other tab may be asleep
 * @throws FaceXFormerError ABORTED
 */
export async function turnFor(
  name: string,
  { store, signal, retry }: Pick<DownloadOptions, 'store' | 'signal' | 'retry'>,
): Promise<(() => void) | undefined> {
  if (!store) return () => {};
  const locks: Locks = (store.kind === 'memory' ? undefined : globalThis.navigator?.locks) ?? own;
  const patience = AbortSignal.timeout(stallOf({ retry }));
  const until = either(signal, patience);
  let end: (() => void) | undefined;
  const begun = new Promise<void>((begin) => {
    const hold = () =>
      new Promise<void>((done) => {
        end = done;
        begin();
      });
    locks.request(`facexformer-webgpu ${name}`, { signal: until }, hold).catch(() => begin());
  });
  await unless(until, begun).catch(() => {});
  if (signal?.aborted) end?.();
  throwIfAborted(signal);
  return end;
}

/** SHA-256 in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Runs `step` until it succeeds, fails for good, or has failed too often. @throws FaceXFormerError */
export async function patiently<T>(
  step: () => Promise<T>,
  signal: AbortSignal | undefined,
  { tries = 4, delay = 500 }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      throwIfAborted(signal);
      return await step();
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof Passing)) throw error;
      if (attempt >= tries) throw error.error;
      // A little randomness, so that many pages do not all come back at once.
      await pause(Math.max(error.wait, delay * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)), signal);
    }
  }
}

/** Fetches chunks of a file, by one connection as long as they follow one another; the signal ends the last. */
function downloadOf(url: string, file: HostedFile, options: DownloadOptions) {
  let connection: Connection | undefined;
  const close = () => {
    connection?.close();
    connection = undefined;
  };
  const receive = async (index: number): Promise<Uint8Array<ArrayBuffer>> => {
    const { chunkBytes, bytes: end } = file;
    const from = index * chunkBytes;
    if (connection?.at !== from) {
      close();
      connection = await Connection.open(url, file, from, options);
    }
    const bytes = await connection.take(Math.min(chunkBytes, end - from));
    if ((await sha256(bytes)) === file.chunks[index]) return bytes;
    throw new Passing(
      new FaceXFormerError(
        'BAD_WEIGHTS_FILE',
        `Bytes ${from} to ${from + bytes.length} of ${address(url)} do not have the SHA-256 that config.json says: the file was damaged or replaced.`,
      ),
    );
  };
  /** @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE, ABORTED */
  return (index: number) => {
    const step = () =>
      receive(index).catch((error: unknown) => {
        close();
        throw error;
      });
    return patiently(step, options.signal, options.retry);
  };
}
