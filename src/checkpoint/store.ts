/**
 * Where downloaded weights stay between visits, in verified chunks, under the weights' SHA-256: the origin's private file system
 * (OPFS), else the Cache API, else this page's memory. No failure of a store is an error: what cannot be kept is fetched again. Browsers
 * have been seen whose stores never answer: such a one is gone round after a while, and not asked again.
 */

import { within } from '../gpu/waiting.ts';

/** Keeps chunks by key and index. */
export interface ChunkStore {
  readonly kind: 'opfs' | 'cache' | 'memory';
  /** What a store cannot read it does not have. */
  get(key: string, index: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(key: string, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Every key and its bytes. What cannot be read, as what another tab deletes meanwhile, has none. */
  list(): Promise<Map<string, number>>;
  /** What cannot be deleted stays, and is no error. */
  delete(key: string): Promise<void>;
}

const FOLDER = 'facexformer-webgpu';

/** The best store that this runtime has. */
export async function chunkStore(): Promise<ChunkStore> {
  opened ??= openedStore();
  return opened;
}

/** The same, opened anew. */
export function openedStore(): Promise<ChunkStore> {
  return inTime(openOpfs(), 'opening')
    .catch(() => inTime(openCacheApi(), 'opening'))
    .then(patient, () => memoryStore());
}

/** Milliseconds after which a store that has not answered will not. */
export const STORE_PATIENCE = {
  /** Asked to open. */
  opening: 1000,
  /** Asked to read or write a chunk of 16 MB, from a slow disk. */
  answering: 5000,
  /** Asked for what takes no time: finding a file, and opening one to write. */
  finding: 1000,
};

const inTime = <T>(answer: Promise<T>, what: keyof typeof STORE_PATIENCE): Promise<T> =>
  within(STORE_PATIENCE[what], answer, () => new Silent());

class Silent extends Error {}

/** The store, each of whose answers is awaited for a while only; after one that does not come, nothing is asked of it any more. */
function patient(store: ChunkStore): ChunkStore {
  let silent: Silent | undefined;
  const asked = async <T>(answer: () => Promise<T>): Promise<T> => {
    if (silent) throw silent;
    try {
      return await inTime(answer(), 'answering');
    } catch (error) {
      if (error instanceof Silent) silent = error;
      throw error;
    }
  };
  return {
    kind: store.kind,
    get: (key, index) => asked(() => store.get(key, index)).catch(() => undefined),
    put: (key, index, bytes) => asked(() => store.put(key, index, bytes)),
    list: () => asked(() => store.list()).catch(() => new Map()),
    delete: (key) => asked(() => store.delete(key)).catch(() => undefined),
  };
}

let opened: Promise<ChunkStore> | undefined;

async function openOpfs(): Promise<ChunkStore> {
  // Safari before 26 has OPFS without createWritable.
  if (!('createWritable' in FileSystemFileHandle.prototype)) throw new Error('no createWritable');
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  return {
    kind: 'opfs',
    async get(key, index) {
      const folder = await found(root.getDirectoryHandle(key));
      const file = folder && (await found(folder.getFileHandle(String(index))));
      return file && new Uint8Array(await (await file.getFile()).arrayBuffer());
    },
    async put(key, index, bytes) {
      const folder = await inTime(root.getDirectoryHandle(key, { create: true }), 'finding');
      const file = await inTime(folder.getFileHandle(String(index), { create: true }), 'finding');
      const writable = await inTime(file.createWritable(), 'finding');
      try {
        await writable.write(bytes);
        await writable.close(); // only now does the file change
      } catch (error) {
        await writable.abort().catch(() => undefined);
        await folder.removeEntry(String(index)).catch(() => undefined);
        throw error;
      }
    },
    async list() {
      const sizes = new Map<string, number>();
      for await (const [key, folder] of root.entries()) {
        if (!(folder instanceof FileSystemDirectoryHandle)) continue;
        let bytes = 0;
        try {
          for await (const file of folder.values()) if (file instanceof FileSystemFileHandle) bytes += (await file.getFile()).size;
        } catch {}
        sizes.set(key, bytes);
      }
      return sizes;
    },
    delete: (key) => root.removeEntry(key, { recursive: true }),
  };
}

/** What is there, or undefined. A store that does not answer has failed. */
async function found<T>(handle: Promise<T>): Promise<T | undefined> {
  return inTime(handle, 'finding').catch((error: unknown) => {
    if (error instanceof Silent) throw error;
    return undefined;
  });
}

async function openCacheApi(): Promise<ChunkStore> {
  const cache = await caches.open(FOLDER);
  // The Cache API keeps only http addresses; this host does not exist.
  const address = (key: string, index: number) => `https://${FOLDER}.invalid/${key}/${index}`;
  const stored = async () => (await cache.keys()).map(({ url }) => ({ url, key: new URL(url).pathname.split('/')[1] as string }));
  return {
    kind: 'cache',
    async get(key, index) {
      const response = await inTime(cache.match(address(key, index)), 'finding');
      return response && new Uint8Array(await response.arrayBuffer());
    },
    put: (key, index, bytes) =>
      cache.put(address(key, index), new Response(bytes, { headers: { 'content-length': String(bytes.length) } })),
    async list() {
      const sizes = new Map<string, number>();
      for (const { url, key } of await stored()) {
        const length = (await cache.match(url))?.headers.get('content-length');
        sizes.set(key, (sizes.get(key) ?? 0) + Number(length ?? 0));
      }
      return sizes;
    },
    async delete(key) {
      for (const entry of await stored()) if (entry.key === key) await cache.delete(entry.url);
    },
  };
}

/** Keeps chunks as long as the page lives. */
export function memoryStore(): ChunkStore {
  const kept = new Map<string, Map<number, Uint8Array<ArrayBuffer>>>();
  return {
    kind: 'memory',
    get: async (key, index) => kept.get(key)?.get(index),
    async put(key, index, bytes) {
      kept.set(key, (kept.get(key) ?? new Map()).set(index, bytes));
    },
    list: async () => new Map([...kept].map(([key, chunks]) => [key, [...chunks.values()].reduce((sum, { length }) => sum + length, 0)])),
    async delete(key) {
      kept.delete(key);
    },
  };
}
