/** An IndexedDB in memory, each of whose calls a test can make to fail or never to answer (test/gpu/fake.ts). */
import type { Faults } from '../gpu/fake.ts';

interface Request {
  result?: unknown;
  error?: Error;
  onsuccess?: (() => void) | null;
  onerror?: (() => void) | null;
  onupgradeneeded?: (() => void) | null;
}

const broken = (): Error => new DOMException('made to fail', 'UnknownError');

/** @returns what `indexedDB` is to be; what is kept outlives its databases */
export function indexedDbOf(faults: Faults): IDBFactory & { readonly kept: Map<string, unknown>; readonly databases: Set<object> } {
  const kept = new Map<string, unknown>();
  const databases = new Set<object>();
  let isMade = false;

  /** Answers a request later, or says why not. */
  const answered = (name: string, give: () => unknown, then: () => void = () => {}, otherwise: () => void = () => {}): Request => {
    const request: Request = {};
    faults.answer(name, give, broken).then(
      (result) => {
        request.result = result;
        if (name === 'indexedDB.open' && !isMade) request.onupgradeneeded?.();
        isMade = true;
        request.onsuccess?.();
        then();
      },
      (error: Error) => {
        request.error = error;
        request.onerror?.();
        otherwise();
      },
    );
    return request;
  };

  const transaction = () => {
    if (faults.point('transaction')) throw broken();
    const made: { oncomplete?: () => void; onabort?: () => void; error?: Error; objectStore?: unknown } = {};
    const abort = () => {
      made.error = broken();
      made.onabort?.();
    };
    const complete = () => void faults.answer('complete', () => made.oncomplete?.(), broken).catch(abort);
    made.objectStore = () => ({
      get: (key: string) => answered('get', () => structuredClone(kept.get(key)), complete, abort),
      put: (value: unknown, key: string) => answered('put', () => void kept.set(key, structuredClone(value)), complete, abort),
      delete: (key: string) => answered('delete', () => void kept.delete(key), complete, abort),
    });
    return made;
  };

  const open = () => {
    const give = () => {
      const database = { createObjectStore: () => {}, transaction, close: () => databases.delete(database) };
      databases.add(database);
      return database;
    };
    return answered('indexedDB.open', give);
  };
  return { open, kept, databases } as unknown as ReturnType<typeof indexedDbOf>;
}
