/** One file of weights by its address: kept as it arrives, and taken from the store as long as the server says that it is still that file. */
import { either, FaceXFormerError } from '../gpu/errors.ts';
import { unless } from '../gpu/waiting.ts';
import { address, answerOf, type ByteSource, type Pieces, piecesOf, responseBytes, responseOf } from './bytes.ts';
import { type Fetching, type HostedFile, isPage } from './connection.ts';
import { sha256, turnFor, verifiedPieces } from './download.ts';
import { CHUNK_BYTES } from './hosted.ts';
import { type ChunkStore, chunkStore } from './store.ts';

/** What a server says of a file, in its own words; undefined where it does not say it. */
export interface Version {
  readonly etag?: string | undefined;
  readonly modified?: string | undefined;
  readonly length?: string | undefined;
}

/** What the store knows of a file: where it is from, and once all of it is here its hashes and the version that it is of. */
interface Kept {
  /** Without the parts in which passwords and tokens stand. */
  readonly address: string;
  /** The hash of the whole address: `?file=a` is another file than `?file=b`. */
  readonly whole: string;
  readonly version: Version;
  readonly file?: HostedFile;
  /** Of a download that has not ended: the hashes of its first chunks, and how long the file is, where that is known. */
  readonly part?: Part;
}

interface Part {
  readonly hashes: readonly string[];
  readonly chunkBytes: number;
  readonly length?: number | undefined;
}

/** Milliseconds in which a server says whether the file is still the same; after them it is taken for unreachable. */
const ASKING = 5000;

const hashOf = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));

interface Names {
  readonly chunks: string;
  readonly record: string;
}

/** Under which names the store has a file's chunks and what is known of it. */
export const namesOf = async (url: string): Promise<Names> => {
  const hash = await hashOf(address(url));
  return { chunks: `file-${hash}`, record: `address-${hash}` };
};

/** What is known of the file whose chunks the store has under this name. */
export async function recordOf(store: ChunkStore, record: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(new TextDecoder().decode((await store.get(record, 0)) ?? new Uint8Array())) as Kept;
  } catch {
    return undefined; // none, or damaged
  }
}

/** Whether two answers are of one version: all that both of them say is the same. A server that says nothing is taken at its earlier word. */
export function isSame(a: Version, b: Version): boolean {
  return (['etag', 'modified', 'length'] as const).every((name) => a[name] === undefined || b[name] === undefined || a[name] === b[name]);
}

/** Whether they are of one version for sure, so that a part of one goes with the rest of the other. */
const isSurely = (a: Version, b: Version): boolean =>
  isSame(a, b) &&
  ((a.etag !== undefined && a.etag === b.etag && !a.etag.startsWith('W/')) || (a.modified !== undefined && a.modified === b.modified));

/** A page says nothing of the file. */
const versionOf = (response: Response): Version => {
  const told = (name: string) => (isPage(response) ? undefined : (response.headers.get(name) ?? undefined));
  return { etag: told('etag'), modified: told('last-modified'), length: told('content-length') };
};

/** Dates count seconds, in each of which a file may change twice: one is believed once it lies so many milliseconds back (RFC 9110, section 8.8.2.2), clocks being what they are. */
const YOUNG = 60_000;

/** The same to be kept. In place of a date that is not believed yet stands what no server says, by which the file is another one next time. */
function lastingVersionOf(response: Response): Version {
  const version = versionOf(response);
  const { etag = 'W/', modified = '' } = version;
  const now = Date.parse(response.headers.get('date') ?? '') || Date.now(); // other origins hide theirs
  return etag.startsWith('W/') && now - Date.parse(modified) < YOUNG ? { ...version, modified: 'of late' } : version;
}

/** The file at an address of the web, absolute. */
export function keptSource(url: string, options: Fetching): ByteSource {
  const name = address(url);
  const forget = async () => {
    const [store, names] = await Promise.all([chunkStore(), namesOf(url)]);
    for (const one of Object.values(names)) await store.delete(one);
  };
  return {
    name,
    rereadable: true,
    forget,
    signal: options.signal,
    async open(signal, onBytes) {
      const store = await unless(signal, chunkStore());
      const names = await namesOf(url);
      const end = await turn(store, names, { ...options, signal });
      let goesOn = false;
      const kept = (pieces: Pieces, of: Kept, part: Part) => {
        goesOn = true;
        return ending(keeping(pieces, store, names, of, part), end);
      };
      try {
        const whole = await hashOf(url.split('#', 1)[0] as string);
        const found = await unless(signal, recordOf(store, names.record));
        const known = found?.whole === whole ? found : undefined;
        const fromStore = (file: HostedFile) => ({
          pieces: verifiedPieces(url, file, { ...options, signal, store, onBytes }),
          length: file.bytes,
        });
        const told = known && (await askedVersion(url, options.fetch, signal));
        if (known?.file && told && isSame(known.version, told)) return fromStore(known.file);
        const begun = known?.part && told && isSurely(known.version, told) ? known.part : undefined;
        const part = begun && (await unless(signal, isWhole(begun, store, names.chunks))) ? begun : undefined;
        const ask = (from?: Part) => responseOf(() => url, name, options.fetch, signal, from && { headers: { range: rangeOf(from) } });
        let response = await (part ? ask(part).catch(() => ask()) : ask()); // another origin may not let ranges be asked for
        if (known && part && response.body && isRest(response, part, known.version))
          return { pieces: kept(piecesOf(response.body, signal), known, part), length: part.length };
        if (part && response.status !== 200) {
          response.body?.cancel().catch(() => undefined); // of another version, or from another byte on
          response = await ask();
        }
        if (known?.file && (response.status >= 500 || (response.ok && isSame(known.version, versionOf(response))))) {
          response.body?.cancel().catch(() => undefined); // who refuses HEAD says it here; who is out of order says nothing of the file
          return fromStore(known.file);
        }
        const { pieces, length } = responseBytes(response, name, signal);
        return { pieces: kept(pieces, { address: name, whole, version: lastingVersionOf(response) }, partOf(length)), length };
      } finally {
        if (!goesOn) end();
      }
    },
  };
}

/** Milliseconds after which a load that nobody reads on lets others go on. */
const IDLE = 2000;

/** Waits as long as another load fetches the file and gets further with it. @returns lets the next one */
async function turn(store: ChunkStore, names: Names, options: Fetching): Promise<() => void> {
  const chunks = async () => (await recordOf(store, names.record))?.part?.hashes.length ?? 0;
  for (let before = await unless(options.signal, chunks()); ; ) {
    const end = await turnFor(names.record, { ...options, store });
    if (end) return end;
    const now = await unless(options.signal, chunks());
    if (now <= before) return () => {};
    before = now;
  }
}

/** What the server says of the file, without the file: nothing where it cannot be reached, undefined where it refuses to be asked so. */
async function askedVersion(url: string, fetch: typeof globalThis.fetch, signal: AbortSignal): Promise<Version | undefined> {
  const late = AbortSignal.timeout(ASKING);
  try {
    const response = await answerOf(fetch, url, { method: 'HEAD', cache: 'no-store', signal: either(signal, late) });
    response.body?.cancel().catch(() => undefined);
    return response.ok ? versionOf(response) : undefined;
  } catch {
    return {};
  }
}

const partOf = (length: number | undefined): Part => ({
  hashes: [],
  chunkBytes: Math.max(1, Math.min(length ?? CHUNK_BYTES, CHUNK_BYTES)),
  length,
});

/** What of the file is not here yet. */
const rangeOf = ({ hashes, chunkBytes }: Part): string => `bytes=${hashes.length * chunkBytes}-`;

/** Whether an answer goes on where the part ends. Other origins may hide from where on it is; then the status must do. */
function isRest(response: Response, { hashes, chunkBytes }: Part, version: Version): boolean {
  const from = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  const { etag, modified } = versionOf(response);
  const isOfIt = isSurely(version, { etag, modified });
  return response.status === 206 && isOfIt && (from === undefined || Number(from) === hashes.length * chunkBytes);
}

/** Whether the store has all chunks of a part as they were. */
async function isWhole({ hashes }: Part, store: ChunkStore, chunks: string): Promise<boolean> {
  for (const [i, hash] of hashes.entries()) {
    const chunk = await store.get(chunks, i);
    if (!chunk || (await sha256(chunk)) !== hash) return false;
  }
  return hashes.length > 0;
}

/**
 * The same bytes as they come, behind those of a part that is here; whole chunks of them go into the store on the way, and at the end what they are. No
 * failure of the store holds them up.
 */
async function* keeping(pieces: Pieces, store: ChunkStore, names: Names, { address, whole, version }: Kept, part: Part): Pieces {
  const known = { address, whole, version };
  const { chunkBytes } = part;
  const hashes = [...part.hashes];
  const chunk = new Uint8Array(chunkBytes);
  let have = 0;
  let bytes = 0;
  let keeps = true;
  const write = (record: Kept) => store.put(names.record, 0, new TextEncoder().encode(JSON.stringify(record)));
  const forget = async () => {
    keeps = false;
    await Promise.all([store.delete(names.record), store.delete(names.chunks)]);
  };
  /** The last thing that the store was asked; one chunk is on its way there while the next arrives. */
  let put: Promise<unknown> = (hashes.length > 0 ? Promise.resolve() : store.delete(names.chunks))
    .then(() => write({ ...known, part }))
    .catch(forget);
  const putChunk = async () => {
    const [full, index] = [chunk.slice(0, have), hashes.length];
    have = 0;
    hashes.push(await sha256(full));
    await put;
    const first = hashes.slice();
    const putAll = async () => {
      await store.put(names.chunks, index, full);
      if (full.length === chunkBytes) await write({ ...known, part: { ...part, hashes: first } });
    };
    if (keeps) put = putAll().catch(forget);
  };
  try {
    for (const i of part.hashes.keys()) {
      const kept = await store.get(names.chunks, i);
      if (!kept) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `What was kept of ${address} is gone. Try again.`);
      bytes += kept.length;
      yield kept;
    }
    for await (const piece of pieces) {
      for (let at = 0; keeps && at < piece.length; ) {
        const fits = piece.subarray(at, at + chunkBytes - have);
        chunk.set(fits, have);
        have += fits.length;
        at += fits.length;
        if (have === chunkBytes) await putChunk();
      }
      bytes += piece.length;
      yield piece;
    }
    if (have > 0) await putChunk();
    await put;
    const file = { name: address, bytes, sha256: names.chunks, chunks: hashes, chunkBytes };
    if (keeps && bytes > 0) await write({ ...known, file }).catch(forget);
  } finally {
    await put; // what is here may be gone on with
  }
}

/** The same. @param end called when they have ended, or when nobody has asked for the next one for a while */
async function* ending(pieces: Pieces, end: () => void): Pieces {
  let idle: ReturnType<typeof setTimeout> | undefined;
  try {
    for await (const piece of pieces) {
      idle = setTimeout(end, IDLE);
      yield piece;
      clearTimeout(idle);
    }
  } finally {
    clearTimeout(idle);
    end();
  }
}
