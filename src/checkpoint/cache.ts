/** The application's hand on downloaded weights. */
import { chunkStore } from './store.ts';

/** Weights in the cache. */
export interface CachedWeights {
  /** The hash of the whole file, in hexadecimal. */
  sha256: string;
  /** Kept so far: less than the file's length if its download was broken off. */
  bytes: number;
}

const isSha256 = (key: string) => /^[0-9a-f]{64}$/.test(key);

/** The weights that earlier visits left in this origin's storage. */
export const weightCache = {
  /** What is kept, and where. */
  async list(): Promise<CachedWeights[]> {
    const kept = await (await chunkStore()).list();
    return [...kept].filter(([key]) => isSha256(key)).map(([sha256, bytes]) => ({ sha256, bytes }));
  },
  /** Forgets one file's weights. */
  async delete(sha256: string): Promise<void> {
    await (await chunkStore()).delete(sha256);
  },
  /** Forgets all weights, and what was known of their addresses. */
  async clear(): Promise<void> {
    const store = await chunkStore();
    for (const key of (await store.list()).keys()) await store.delete(key);
  },
};
