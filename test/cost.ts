/** Measures how a reader's time and memory grow with the length of what it reads. */
import { expect } from 'vitest';

/** A file of about so many bytes. */
export type Generator = (bytes: number) => Uint8Array;

const SHORT = 1 << 16;
/** Sixteen times as long: a reader in quadratic time takes sixteen times as long for each byte. */
const LONG = 16 * SHORT;
/** Seconds of the processor for a byte below which nothing is held against a reader: one for each MB. */
const FREE = 1 / 2 ** 20;

/** Bytes of memory for a byte that is read: objects take a hundred where a file has one character for each. */
const HELD = 400;
/** Bytes that whoever reads anything takes. */
const ROOM = 48 * 2 ** 20;

/**
 * Runs `read` on a short and a long file; for each byte, the long one may take no more than four times what the short one did, and no more memory
 * than so many bytes. What was thrown away meanwhile does not count, what was asked of the system and never touched does.
 */
export async function expectLinearCost(generate: Generator, read: (file: Uint8Array) => unknown): Promise<void> {
  const cost = async (bytes: number) => {
    const file = generate(bytes);
    const [start, before] = [process.cpuUsage(), held()];
    await read(file);
    const { user, system } = process.cpuUsage(start);
    expect(held() - before).toBeLessThan(HELD * file.length + ROOM);
    return (user + system) / 1e6 / file.length;
  };
  const short = Math.min(await cost(SHORT), await cost(SHORT), await cost(SHORT));
  expect(await cost(LONG)).toBeLessThan(Math.max(4 * short, FREE));
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
