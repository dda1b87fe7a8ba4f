/**
 * Files that are whole or not there: written beside their place under another name, renamed when done, and removed when the process ends
 * before that, be it by a signal (`signals.mjs`).
 */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FaceXFormerError } from '../src/gpu/errors.ts';

/** Files that are being written, by the names under which they are, and the first of the folders that were made for each. */
const partials = new Map<string, string | undefined>();

/**
 * Writes pieces to a file. Two processes may write to one path: each has its own temporary file, and the last rename wins. A file that
 * is there already keeps its mode, and a link to one stays a link.
 * @throws FaceXFormerError LIMIT if the disk is full; BAD_OPTION where there can be no such file; whatever the pieces throw
 */
export async function save(path: string, pieces: Pieces): Promise<number> {
  const file = await writeBeside(path, pieces);
  await file.place();
  return file.bytes;
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A file that is whole and not in its place yet. */
export interface Waiting {
  readonly bytes: number;
  /** Puts it there. */
  place(): Promise<void>;
  /** Removes it, if it was not put there. */
  drop(): void;
}

/** The first half of `save`, for several files that belong together. */
export async function writeBeside(path: string, pieces: Pieces): Promise<Waiting> {
  const { place, partial, mode } = beside(path);
  const drop = () => remove(partial);
  let bytes = 0;
  try {
    const file = await written(path, async () => {
      makeFolder(place, partial);
      // Made at once: what another thread still makes when a signal ends the process would come after the removal, and stay.
      closeSync(openSync(partial, 'wx', mode === undefined ? mode : mode | 0o200));
      return open(partial, 'r+');
    });
    try {
      for await (const piece of pieces) {
        await written(path, async () => {
          for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
        });
        bytes += piece.length;
      }
      await written(path, async () => {
        await file.sync();
        if (mode !== undefined) await file.chmod(mode);
      });
    } finally {
      await file.close();
    }
    return { bytes, place: () => written(path, () => rename(partial, place)).finally(drop), drop };
  } catch (cause) {
    drop();
    throw isFull(cause) ? noRoom(path, cause) : cause;
  }
}

/** The same for what is there whole, at once. */
export function saveNow(path: string, content: string | Uint8Array): void {
  const { place, partial, mode } = beside(path);
  try {
    makeFolder(place, partial);
    const file = openSync(partial, 'wx', mode);
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (mode !== undefined) chmodSync(partial, mode);
    renameSync(partial, place);
  } catch (cause) {
    throw unwritable(path, cause);
  } finally {
    remove(partial);
  }
}

/** What stands in the way of writing the file, if it is there and none: a device, a pipe, a socket, a folder, a link to nothing. */
export function obstacle(path: string): string | undefined {
  const info = statOf(path);
  if (info) return kindOf(info);
  try {
    return lstatSync(path, { throwIfNoEntry: false }) && 'a link to nothing';
  } catch {
    return undefined;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined; // not there; whether it can be is told when it is written
  }
}

export const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/** What is there instead of a file; undefined for a file. */
export function kindOf(info: Stats): string | undefined {
  if (info.isFile()) return undefined;
  if (info.isDirectory()) return 'a directory';
  if (info.isFIFO()) return 'a pipe';
  return info.isSocket() ? 'a socket' : 'a device';
}

/** Whether two paths lead to one file, however they are written: by links, by hard links, by other names of its folder. */
export function sameFile(one: string, other: string): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** Where the file belongs, under what name it is written, and the mode that it has already. */
function beside(path: string): { place: string; partial: string; mode: number | undefined } {
  const there = obstacle(path);
  if (there !== undefined) throw new FaceXFormerError('BAD_OPTION', `${path} is ${there}; give a file to write.`);
  const info = statOf(path);
  const place = info ? realpathSync(path) : path;
  const partial = join(dirname(place), `${basename(place).slice(0, 40)}.${randomUUID().slice(0, 13)}.part`);
  if (partials.size === 0 && !process.listeners('exit').includes(removePartials)) process.on('exit', removePartials);
  partials.set(partial, undefined);
  return { place, partial, mode: info && info.mode & 0o7777 };
}

const makeFolder = (place: string, partial: string) => partials.set(partial, mkdirSync(dirname(place), { recursive: true }));

function removePartials(): void {
  for (const partial of [...partials.keys()].reverse()) remove(partial); // a folder that was made for the first goes last
}

/** Removes what is left of writing, and the folders that were made for it where nothing is in them. */
function remove(partial: string): void {
  const made = partials.get(partial);
  partials.delete(partial);
  try {
    rmSync(partial, { force: true });
    for (let folder = resolve(dirname(partial)); made !== undefined && folder.startsWith(resolve(made)); folder = dirname(folder))
      rmdirSync(folder);
  } catch {} // its folder is none, or the file is there
}

/** Runs a step of writing; its failure names the file. */
async function written<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** What is to be thrown where writing the file failed: the disk is full, or there can be no such file; anything else as it is. */
export function unwritable(path: string, cause: unknown): unknown {
  if (isFull(cause)) return noRoom(path, cause);
  if (!(cause instanceof Error) || !('syscall' in cause) || !('code' in cause)) return cause;
  return new FaceXFormerError('BAD_OPTION', `${path} cannot be written (${String(cause.code)}).`, { cause });
}

const isFull = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && /^(ENOSPC|EDQUOT|EFBIG)$/.test(String(cause.code));

const noRoom = (path: string, cause: unknown) => new FaceXFormerError('LIMIT', `There is no room on the disk for ${path}.`, { cause });
