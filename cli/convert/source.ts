/** Bytes that can be read anywhere: a file, an address. */
import { open, stat } from 'node:fs/promises';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { kindOf } from '../../tools/save.ts';

export interface RandomAccess {
  /** What messages call it. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Exactly these bytes; fewer are an error. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** A file on disk. @throws FaceXFormerError WEIGHTS_UNREACHABLE */
export async function openFile(path: string): Promise<RandomAccess> {
  try {
    // Before it is opened: a pipe keeps whoever opens it waiting until someone writes.
    const there = kindOf(await stat(path));
    if (there !== undefined) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${path} is ${there}.`);
    const file = await open(path, 'r');
    const { size } = await file.stat();
    const access: RandomAccess = {
      name: path,
      size,
      async read(offset, length) {
        const bytes = new Uint8Array(inside(access, offset, length));
        for (let have = 0; have < length; ) {
          const { bytesRead } = await file.read(bytes, have, length - have, offset + have);
          if (bytesRead === 0) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${path} became shorter while it was read.`);
          have += bytesRead;
        }
        return bytes;
      },
      close: () => file.close(),
    };
    return access;
  } catch (cause) {
    if (cause instanceof FaceXFormerError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `There is no file ${path}.`, { cause });
    throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${path} cannot be opened: ${cause instanceof Error ? cause.message : cause}.`, {
      cause,
    });
  }
}

/** All the bytes in order, in pieces of 1 MiB. */
export function streamOf(bytes: RandomAccess): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        if (at >= bytes.size) return controller.close();
        const length = Math.min(PIECE, bytes.size - at);
        controller.enqueue(await bytes.read(at, length));
        at += length;
      },
    },
    { highWaterMark: 1 },
  );
}

const PIECE = 1024 * 1024;

/** The length, if the range lies inside. */
export function inside({ name, size }: RandomAccess, offset: number, length: number): number {
  if (offset >= 0 && length >= 0 && offset + length <= size) return length;
  throw new FaceXFormerError('BAD_WEIGHTS_FILE', `${name} ends at byte ${size}, and says of itself that it goes on to ${offset + length}.`);
}
