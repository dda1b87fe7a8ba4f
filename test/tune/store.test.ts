/** What the tuner keeps between visits, in a store each of whose calls fails once, or never answers: no error, and no waiting without an end. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { forgetTuned, readTuned, writeTuned } from '../../src/tune/store.ts';
import { Faults } from '../gpu/fake.ts';
import { indexedDbOf } from './indexed-db.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  process.on('unhandledRejection', note);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  process.off('unhandledRejection', note);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Keeps, reads and forgets; gives what each said, and how many milliseconds it all took at most. */
async function visit(faults: Faults) {
  const store = indexedDbOf(faults);
  vi.stubGlobal('indexedDB', store);
  let waited = 0;
  const inTime = async <T>(asked: Promise<T>): Promise<T> => {
    let isOver = false;
    const ended = asked.finally(() => {
      isOver = true;
    });
    for (let i = 0; i < 20 && !isOver; i++) await new Promise((done) => setImmediate(done));
    while (!isOver && waited < 10_000) {
      waited += 100;
      await vi.advanceTimersByTimeAsync(100);
    }
    return ended;
  };
  const wrote = await inTime(writeTuned('key', { a: 1 }));
  const read = await inTime(readTuned('key'));
  await inTime(forgetTuned('key'));
  const left = store.kept.has('key');
  await new Promise((done) => setImmediate(done));
  return { wrote, read, left, waited, open: store.databases.size };
}

it('keeps a value, gives it, and forgets it', async () => {
  expect(await visit(new Faults())).toEqual({ wrote: true, read: { a: 1 }, left: false, waited: 0, open: 0 });
});

describe.each(['fails', 'hangs'] as const)('a call that %s', (fault) => {
  it('is no error, ends within half a second, and leaves no database open', async () => {
    const whole = new Faults();
    await visit(whole);
    expect(whole.reached).toContain('put');
    for (const [at, name] of whole.reached.entries()) {
      const { wrote, read, waited, open } = await visit(Object.assign(new Faults(), { at, fault }));
      expect([true, false], name).toContain(wrote);
      expect([undefined, { a: 1 }], name).toContainEqual(read);
      if (wrote) expect(read === undefined && !/^(indexedDB.open|transaction|get|complete)$/.test(name), name).toBe(false);
      expect(waited, name).toBeLessThanOrEqual(600);
      expect(open, name).toBe(0);
    }
    expect(unhandled).toEqual([]);
  });
});
