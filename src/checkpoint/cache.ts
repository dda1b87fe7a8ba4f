/** The application's hand on downloaded weights. */
import { given } from '../gpu/given.ts';
import { absolute, isHash } from './hosted.ts';
import { namesOf, recordOf } from './single.ts';
import { chunkStore } from './store.ts';

/** Weights in the cache. */
export interface CachedWeights {
  /** Of hosted weights: the hash of the whole file, in hexadecimal. */
  sha256?: string;
  /** Of a single file: its address, without the parts in which passwords and tokens stand. */
  address?: string;
  /** Kept so far: less than the file's length if its download was broken off. */
  bytes: number;
}

/** The weights that earlier visits left in this origin's storage. */
export const weightCache = {
  /** What is kept, and where. */
  async list(): Promise<CachedWeights[]> {
    const store = await chunkStore();
    const found: CachedWeights[] = [];
    for (const [key, bytes] of await store.list()) {
      if (isHash(key)) found.push({ sha256: key, bytes });
      const [, hash] = /^file-(.+)/.exec(key) ?? [];
      const record = hash && (await recordOf(store, `address-${hash}`));
      if (record) found.push({ address: record.address, bytes });
    }
    return found;
  },
  /** Forgets one file's weights, by its `sha256` or `address`. @throws FaceXFormerError BAD_OPTION, WEIGHTS_UNREACHABLE: it is neither */
  async delete(which: string): Promise<void> {
    const name = given('Weights are known by their `sha256` or `address`.', () => String(which));
    const store = await chunkStore();
    if (isHash(name)) return store.delete(name);
    for (const one of Object.values(await namesOf(absolute(name)))) await store.delete(one);
  },
  /** Forgets all weights, and what was known of their addresses. */
  async clear(): Promise<void> {
    const store = await chunkStore();
    for (const key of (await store.list()).keys()) await store.delete(key);
  },
};
