/** In the browser: loads hosted weights, and meddles with what is kept of them. */

import { weightCache } from '../../src/checkpoint/cache.ts';
import { sha256 } from '../../src/checkpoint/download.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { chunkStore } from '../../src/checkpoint/store.ts';

export const list = () => weightCache.list();
export const clear = () => weightCache.clear();
export const remove = (hash: string) => weightCache.delete(hash);
export const kind = async () => (await chunkStore()).kind;

/** As in browsers without the store: before the first load only. */
export function without(store: 'opfs' | 'cache'): void {
  Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable');
  if (store === 'cache') Reflect.deleteProperty(globalThis, 'caches');
}

/** SHA-256 of each tensor. */
export async function load(url: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { info, data } of (await openCheckpoint(url, { retry: { delay: 1 } })).read())
    found[info.name] = await sha256(new Uint8Array(data));
  return found;
}

/** Changes a kept chunk. */
export async function damage(hash: string, index: number): Promise<void> {
  const store = await chunkStore();
  const chunk = new Uint8Array(await ((await store.get(hash, index)) ?? new Uint8Array()));
  chunk[100] = 255 - (chunk[100] as number);
  await store.put(hash, index, chunk);
}
