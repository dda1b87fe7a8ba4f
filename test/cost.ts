/** Measures how a reader's time grows with the length of what it reads. */
import { expect } from 'vitest';

/** A file of about so many bytes. */
export type Generator = (bytes: number) => Uint8Array;

const SHORT = 1 << 16;
/** Sixteen times as long: a reader in quadratic time takes sixteen times as long for each byte. */
const LONG = 16 * SHORT;
/** Seconds of the processor for a byte below which nothing is held against a reader: one for each MB. */
const FREE = 1 / 2 ** 20;

/** Runs `read` on a short and a long file; for each byte, the long one may take no more than four times what the short one did. */
export async function expectLinearTime(generate: Generator, read: (file: Uint8Array) => unknown): Promise<void> {
  const cost = async (bytes: number) => {
    const file = generate(bytes);
    const start = process.cpuUsage();
    await read(file);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6 / file.length;
  };
  const short = Math.min(await cost(SHORT), await cost(SHORT), await cost(SHORT));
  expect(await cost(LONG)).toBeLessThan(Math.max(4 * short, FREE));
}
