/** Small safetensors files for tests, well-formed or not. */
import { headerLength, headerOf, type SafetensorsHeader } from '../../src/checkpoint/safetensors.ts';

const encoder = new TextEncoder();

/** A file of this header text and so many data bytes (0, 1, 2, ...); `length` overrides the length that the first 8 bytes claim. */
export function fileOf(header: string | object, dataBytes: number | Uint8Array = 0, length?: bigint): Uint8Array<ArrayBuffer> {
  const json = encoder.encode(typeof header === 'string' ? header : JSON.stringify(header));
  const data = typeof dataBytes === 'number' ? Uint8Array.from({ length: dataBytes }, (_, i) => i) : dataBytes;
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

/** The header at a file's beginning. @param fileLength bytes in the whole file, where that is known */
export function parseHeader(file: Uint8Array, fileLength: number | undefined): SafetensorsHeader {
  const length = headerLength(file, fileLength);
  return headerOf(file.subarray(8, 8 + length), fileLength, length);
}

export const entry = (dtype: string, shape: unknown, data_offsets: unknown) => ({ dtype, shape, data_offsets });

/** A stream that gives the bytes in pieces of the given length. */
export function piecewise(bytes: Uint8Array, piece: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
    },
  });
}

/** A small deterministic source of numbers (mulberry32): `next(n)` is an integer from 0 to n - 1. */
export function dice(seed: number): (n: number) => number {
  let state = seed | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
