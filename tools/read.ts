/** Reads a file in Node as weights are read: once, from its beginning to its end. */
import { open } from 'node:fs/promises';
import { ReadableStream } from 'node:stream/web';

/** Bytes of a piece. */
const PIECE = 2 ** 20;

/** Two buffers take turns, one read ahead: Node's own streams and Blobs make a new one every 64 KiB, which took a load 0.2 s of this thread. */
async function* piecesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path);
  try {
    const rooms = [new Uint8Array(PIECE), new Uint8Array(PIECE)];
    const next = (i: number) => file.read(rooms[i % 2] as Uint8Array);
    let ahead = next(0);
    for (let i = 1; ; i++) {
      const { bytesRead, buffer } = await ahead;
      if (bytesRead === 0) return;
      ahead = next(i);
      ahead.catch(() => {}); // told when its turn comes
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** A file as a stream, for `weights` of `FaceXFormer.load`. Each piece is valid until the next is asked for. */
export const streamOfFile = (path: string): globalThis.ReadableStream<Uint8Array> =>
  ReadableStream.from(piecesOf(path)) as globalThis.ReadableStream<Uint8Array>;
