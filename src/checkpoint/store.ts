/**
 * Where downloaded weights stay between visits, in verified chunks, under the weights' SHA-256: the origin's private file system
 * (OPFS), else the Cache API, else this page's memory. No failure of a store is an error: what cannot be kept is fetched again.
 */

/** Keeps chunks by key and index. */
export interface ChunkStore {
  readonly kind: 'opfs' | 'cache' | 'memory';
  get(key: string, index: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(key: string, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Every key and its bytes. */
  list(): Promise<Map<string, number>>;
  delete(key: string): Promise<void>;
}

const FOLDER = 'facexformer-webgpu';

/** The best store that this runtime has. */
export async function chunkStore(): Promise<ChunkStore> {
  opened ??= openOpfs()
    .catch(() => openCacheApi())
    .catch(() => memoryStore());
  return opened;
}

let opened: Promise<ChunkStore> | undefined;

async function openOpfs(): Promise<ChunkStore> {
  // Safari before 26 has OPFS without createWritable outside of workers.
  if (!('createWritable' in FileSystemFileHandle.prototype)) throw new Error('no createWritable');
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  return {
    kind: 'opfs',
    async get(key, index) {
      const folder = await root.getDirectoryHandle(key).catch(() => undefined);
      const file = await folder?.getFileHandle(String(index)).catch(() => undefined);
      return file && new Uint8Array(await (await file.getFile()).arrayBuffer());
    },
    async put(key, index, bytes) {
      const folder = await root.getDirectoryHandle(key, { create: true });
      const file = await folder.getFileHandle(String(index), { create: true });
      const writable = await file.createWritable();
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
        for await (const file of folder.values()) if (file instanceof FileSystemFileHandle) bytes += (await file.getFile()).size;
        sizes.set(key, bytes);
      }
      return sizes;
    },
    delete: (key) => root.removeEntry(key, { recursive: true }).catch(() => undefined),
  };
}

async function openCacheApi(): Promise<ChunkStore> {
  const cache = await caches.open(FOLDER);
  // The Cache API keeps only http addresses; this host does not exist.
  const address = (key: string, index: number) => `https://${FOLDER}.invalid/${key}/${index}`;
  const stored = async () => (await cache.keys()).map(({ url }) => ({ url, key: new URL(url).pathname.split('/')[1] as string }));
  return {
    kind: 'cache',
    async get(key, index) {
      const response = await cache.match(address(key, index));
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
