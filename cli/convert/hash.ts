/** SHA-256 of files, whole and in chunks. */
import { createHash } from 'node:crypto';
import { CHUNK_BYTES } from '../../src/checkpoint/hosted.ts';
import type { RandomAccess } from './source.ts';

export interface Hashes {
  bytes: number;
  sha256: string;
  /** The hashes of the chunks, each of CHUNK_BYTES. */
  chunks: string[];
}

/** Hashes what passes through it. */
export class Hasher {
  readonly #whole = createHash('sha256');
  readonly #chunks: string[] = [];
  #chunk = createHash('sha256');
  #bytes = 0;

  add(piece: Uint8Array): void {
    this.#whole.update(piece);
    for (let at = 0; at < piece.length; ) {
      const room = CHUNK_BYTES - (this.#bytes % CHUNK_BYTES);
      const part = piece.subarray(at, at + room);
      this.#chunk.update(part);
      this.#bytes += part.length;
      at += part.length;
      if (this.#bytes % CHUNK_BYTES === 0) this.#nextChunk();
    }
  }

  end(): Hashes {
    if (this.#bytes % CHUNK_BYTES !== 0) this.#nextChunk();
    return { bytes: this.#bytes, sha256: this.#whole.digest('hex'), chunks: this.#chunks };
  }

  #nextChunk(): void {
    this.#chunks.push(this.#chunk.digest('hex'));
    this.#chunk = createHash('sha256');
  }
}

/** Reads a file through and hashes it. */
export async function hashesOf(bytes: RandomAccess, onProgress?: (loaded: number, total: number) => void): Promise<Hashes> {
  const hasher = new Hasher();
  const piece = 4 * 1024 * 1024;
  for (let at = 0; at < bytes.size; at += piece) {
    hasher.add(await bytes.read(at, Math.min(piece, bytes.size - at)));
    onProgress?.(Math.min(at + piece, bytes.size), bytes.size);
  }
  return hasher.end();
}
