/**
 * What a signal does: the process exits with 128 and the signal's number, as shells have it, and whoever left something lying removes it
 * when the process exits. A server that ends in its own way takes these listeners off (serve.ts).
 */
import { constants } from 'node:os';

const end = (signal) => process.exit(128 + constants.signals[signal]);

export function exitOnSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) if (!process.listeners(signal).includes(end)) process.on(signal, end);
}
