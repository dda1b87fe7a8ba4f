/** The stores that a browser has, in memory, each of whose calls a test can make to fail or never to answer (test/gpu/fake.ts). */
import { vi } from 'vitest';
import type { Faults } from '../gpu/fake.ts';

const missing = (): Error => new DOMException('there is none', 'NotFoundError');
const broken = (): Error => new DOMException('made to fail', 'InvalidStateError');

class FileHandle {
  bytes = new Uint8Array(0);

  constructor(private readonly faults: Faults) {}

  getFile() {
    const { bytes } = this;
    const arrayBuffer = () => this.faults.answer('arrayBuffer', () => bytes.slice().buffer, broken);
    return this.faults.answer('getFile', () => ({ size: bytes.length, arrayBuffer }), broken);
  }

  createWritable() {
    let written = new Uint8Array(0);
    return this.faults.answer(
      'createWritable',
      () => ({
        write: (bytes: Uint8Array) =>
          this.faults.answer(
            'write',
            () => {
              written = Uint8Array.from(bytes);
            },
            broken,
          ),
        close: () =>
          this.faults.answer(
            'close',
            () => {
              this.bytes = written;
            },
            broken,
          ),
        abort: () => this.faults.answer('abort', () => {}, broken),
      }),
      broken,
    );
  }
}

class DirectoryHandle {
  readonly #entries = new Map<string, FileHandle | DirectoryHandle>();

  constructor(private readonly faults: Faults) {}

  getDirectoryHandle = (name: string, how?: { create: boolean }) => this.#handle('getDirectoryHandle', name, DirectoryHandle, how);
  getFileHandle = (name: string, how?: { create: boolean }) => this.#handle('getFileHandle', name, FileHandle, how);

  removeEntry(name: string) {
    const remove = () => {
      if (!this.#entries.delete(name)) throw missing();
    };
    return this.faults.answer('removeEntry', remove, broken);
  }

  #handle<Kind extends FileHandle | DirectoryHandle>(
    point: string,
    name: string,
    kind: new (faults: Faults) => Kind,
    { create } = { create: false },
  ) {
    const handle = () => {
      if (create && !this.#entries.has(name)) this.#entries.set(name, new kind(this.faults));
      const found = this.#entries.get(name);
      if (!found) throw missing();
      return found as Kind;
    };
    return this.faults.answer(point, handle, broken);
  }
}

/** Gives the globals of a browser that has this store, and a Lock Manager; `vi.unstubAllGlobals()` takes them away. */
export function storesOf(kind: 'opfs' | 'cache', faults: Faults): void {
  const held = new Map<string, Promise<unknown>>();
  const request = (name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<unknown>) =>
    faults.answer(
      'locks.request',
      () => {
        const before = held.get(name) ?? Promise.resolve();
        const turn = Promise.race([before, new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))]);
        const ended = turn.then(hold);
        held.set(
          name,
          ended.catch(() => before),
        );
        return ended;
      },
      broken,
    );
  const root = new DirectoryHandle(faults);
  const storage = { getDirectory: () => faults.answer('getDirectory', () => root, broken) };
  vi.stubGlobal('navigator', { locks: { request }, ...(kind === 'opfs' && { storage }) });
  vi.stubGlobal('FileSystemDirectoryHandle', DirectoryHandle);
  vi.stubGlobal('FileSystemFileHandle', kind === 'opfs' ? FileHandle : class {});
  const entries = new Map<string, Response>();
  const cache = {
    match: (url: string) => faults.answer('match', () => entries.get(url)?.clone(), broken),
    put: (url: string, response: Response) => faults.answer('put', () => void entries.set(url, response), broken),
    keys: () => faults.answer('keys', () => [...entries.keys()].map((url) => ({ url })), broken),
    delete: (url: string) => faults.answer('delete', () => entries.delete(url), broken),
  };
  vi.stubGlobal('caches', { open: () => faults.answer('caches.open', () => cache, broken) });
}
