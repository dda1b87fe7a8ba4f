/** What the tuner found out, kept between visits in this origin's IndexedDB. Where that is absent or blocked nothing is kept, without an error. */

const DATABASE = 'facexformer-webgpu';
const STORE = 'tuned';
/** A load waits no longer than this for a store that does not answer. */
const PATIENCE = 500;

/** The value under a key; undefined where there is none or no store. It may be anything: who reads checks. */
export async function readTuned(key: string): Promise<unknown> {
  return inStore('readonly', (store) => store.get(key)).catch(() => undefined);
}

/** Keeps the value; false where it could not. */
export async function writeTuned(key: string, value: object): Promise<boolean> {
  return inStore('readwrite', (store) => store.put(value, key)).then(
    () => true,
    () => false,
  );
}

/** Forgets the value. */
export async function forgetTuned(key: string): Promise<void> {
  await inStore('readwrite', (store) => store.delete(key)).catch(() => {});
}

async function inStore<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1); // throws where there is none
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const late = new Promise<never>((_, reject) => setTimeout(reject, PATIENCE, new Error('no answer')));
  const database = await Promise.race([answerOf(opening), late]).catch((error) => {
    opening.onsuccess = () => opening.result.close(); // if it comes after all
    throw error;
  });
  try {
    const transaction = database.transaction(STORE, mode);
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [answer] = await Promise.race([Promise.all([answerOf(ask(transaction.objectStore(STORE))), done]), late]);
    return answer;
  } finally {
    database.close();
  }
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
