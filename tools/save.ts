/** Files that are whole or not there: written under another name, renamed when done. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaceXFormerError } from '../src/gpu/errors.ts';

/**
 * Writes pieces to a file. Two processes may write to one path: each has its own temporary file, and the last rename wins.
 * @throws FaceXFormerError LIMIT if the disk is full; whatever the pieces throw
 */
export async function save(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(partial, 'wx');
    let length = 0;
    try {
      for await (const piece of pieces) {
        for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
        length += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    return length;
  } catch (cause) {
    await rm(partial, { force: true });
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new FaceXFormerError('LIMIT', `There is no room on the disk for ${path}.`, { cause });
    throw cause;
  }
}
