/**
 * Files of torch.save: the zip form (since PyTorch 1.6) and the older form of pickles one after another. Only the pickle is read to
 * know what a file holds; the storages stay where they are until a tensor is asked for.
 */
import { crc32 } from 'node:zlib';
import { BITS } from '../../src/checkpoint/dtypes.ts';
import { badTorch, PickleEnds, readPickle, type Value } from './pickle.ts';
import type { RandomAccess } from './source.ts';
import { type Storage, torchVocabulary } from './tensors.ts';
import { checkCrc, checkEntry, entryStart, readEntry, UNPACK, type ZipEntry, zipEntries } from './zip.ts';

/** What torch.save was given, and a way to its storages. */
export interface TorchFile {
  readonly form: 'zip' | 'legacy';
  readonly bytes: RandomAccess;
  readonly root: Value;
  /** Bytes of a storage, checked by their checksum where the form has one. */
  read(storage: Storage, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Longest pickle taken. A state dict of 500 tensors takes 0.1 MB. */
const MAX_PICKLE = 32 * 1024 * 1024;
/** What the legacy form begins with, as a number, and how pickles of the first two protocols write it. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_TEXT = `L${LEGACY_MAGIC}L\n`;

/** @throws FaceXFormerError BAD_WEIGHTS_FILE */
export async function openTorch(bytes: RandomAccess): Promise<TorchFile> {
  const start = await bytes.read(0, Math.min(bytes.size, 2));
  if (start[0] === 0x50 && start[1] === 0x4b) return openZip(bytes);
  if (start[0] === 0x80 || start[0] === 0x4c) return openLegacy(bytes);
  throw badTorch(bytes.size === 0 ? 'it is empty' : 'it is neither a zip archive nor a pickle');
}

/**
 * Whether the file is one for `openTorch`, by its first bytes: a zip archive or a pickle, be it of torch.save or not.
 * @throws FaceXFormerError BAD_WEIGHTS_FILE for what people take for a file of weights, naming what it is
 */
export async function isTorch(bytes: RandomAccess): Promise<boolean> {
  const start = await bytes.read(0, Math.min(bytes.size, 512));
  if (start[0] === 0x50 && start[1] === 0x4b && (start[2] as number) < 8) return true;
  const isLength = start.length >= 8 && headerFits(start, bytes.size);
  if (!isLength && start[0] === 0x80 && (start[1] as number) <= 5) return true;
  const text = new TextDecoder('latin1').decode(start);
  if (text.startsWith(LEGACY_TEXT)) return true;
  if (text.slice(257, 262) === 'ustar')
    throw badTorch(
      'it is a tar archive: unpack it, and give a file of it. PyTorch before 0.2 saved such files too; save those again with a newer one',
    );
  const pickled = /^(\(?dp?\d*\n|\(lp\d|c(__builtin__|builtins|numpy|torch|collections|copy_reg)[\w.]*\n)/.test(text);
  if (pickled) throw badTorch('it is a pickle, but not one of torch.save');
  return false;
}

/** Whether the first 8 bytes may be a safetensors header's length. */
function headerFits(start: Uint8Array, size: number): boolean {
  return new DataView(start.buffer, start.byteOffset).getBigUint64(0, true) <= BigInt(size - 8);
}

async function openZip(bytes: RandomAccess): Promise<TorchFile> {
  const entries = await zipEntries(bytes);
  const pickle = [...entries.values()].find(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (!pickle) {
    const [first = ''] = entries.keys();
    const of = first.endsWith('.npy') ? ': one of NumPy' : `, of files such as ${JSON.stringify(first.slice(0, 80))}. ${UNPACK}`;
    throw badTorch(`it is a zip archive without a data.pkl${of}`);
  }
  const at = pickle.name.slice(0, -'data.pkl'.length);
  const order = entries.get(`${at}byteorder`);
  if (order && new TextDecoder().decode(await readEntry(bytes, order, 16)) !== 'little')
    throw badTorch('its numbers are not little-endian');
  const data = await readEntry(bytes, pickle, MAX_PICKLE);
  const storages = new Map<string, Storage>();
  const { value } = complete(() => readPickle(data, torchVocabulary(storages)));
  for (const { key, count, dtype } of storages.values()) {
    const entry = entries.get(`${at}data/${key}`);
    if (!entry) throw badTorch(`it lacks the data of storage ${key.slice(0, 40)}`);
    if (entry.bytes < count * sizeOf(dtype)) throw badTorch(`storage ${key.slice(0, 40)} has ${entry.bytes} bytes for ${count} elements`);
  }
  const starts = new Map<string, number>();
  return {
    form: 'zip',
    bytes,
    root: value,
    read: (storage, ...range) => readZip(bytes, entries.get(`${at}data/${storage.key}`) as ZipEntry, starts, ...range),
  };
}

/** A whole entry is checked as it is read; a part of one after the whole was read through, once. */
async function readZip(bytes: RandomAccess, entry: ZipEntry, starts: Map<string, number>, offset: number, length: number) {
  const known = starts.get(entry.name);
  const start = known ?? (await entryStart(bytes, entry));
  const isWhole = offset === 0 && length === entry.bytes;
  if (known === undefined && !isWhole) await checkEntry(bytes, entry, start);
  const data = await bytes.read(start + offset, length);
  if (known === undefined && isWhole) checkCrc(entry, crc32(data));
  starts.set(entry.name, start);
  return data;
}

/** Magic number, protocol, machine, the object, the storages' keys; then each storage as a count of 8 bytes and its elements. */
async function openLegacy(bytes: RandomAccess): Promise<TorchFile> {
  const storages = new Map<string, Storage>();
  const pickles = await readPickles(bytes, storages);
  const [, protocol, machine, root, keys] = pickles.values;
  if (protocol !== 1001) throw badTorch('it is a pickle, but not one of torch.save');
  if (!(machine instanceof Map) || machine.get('little_endian') !== true) throw badTorch('its numbers are not little-endian');
  if (!Array.isArray(keys)) throw badTorch('it lacks the list of its storages');
  const starts = new Map<string, number>();
  let at = pickles.end;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage || starts.has(storage.key)) throw badTorch('its list of storages does not fit its tensors');
    const count = new DataView((await bytes.read(at, 8)).buffer).getBigUint64(0, true);
    if (count !== BigInt(storage.count))
      throw badTorch(`storage ${storage.key.slice(0, 40)} has ${count} elements instead of ${storage.count}`);
    starts.set(storage.key, at + 8);
    at += 8 + storage.count * sizeOf(storage.dtype);
    if (at > bytes.size) throw badTorch(`it was cut short: storage ${storage.key.slice(0, 40)} ends at byte ${at} of ${bytes.size}`);
  }
  for (const key of storages.keys()) if (!starts.has(key)) throw badTorch(`it lacks the data of storage ${key.slice(0, 40)}`);
  return {
    form: 'legacy',
    bytes,
    root: root as Value,
    read: ({ key }, offset, length) => bytes.read((starts.get(key) as number) + offset, length),
  };
}

/** The five pickles at the file's start. How long they are only reading tells: a window over them grows until they fit. */
async function readPickles(bytes: RandomAccess, storages: Map<string, Storage>): Promise<{ values: Value[]; end: number }> {
  for (let window = 1024 * 1024; ; window *= 4) {
    const length = Math.min(window, bytes.size, MAX_PICKLE);
    const data = await bytes.read(0, length);
    storages.clear();
    try {
      const values: Value[] = [];
      let end = 0;
      for (let i = 0; i < 5; i++) {
        const read = readPickle(data, torchVocabulary(storages), end);
        values.push(read.value);
        end = read.end;
        if (i === 0 && read.value !== LEGACY_MAGIC) throw badTorch('it is a pickle, but not one of torch.save');
      }
      return { values, end };
    } catch (error) {
      if (!(error instanceof PickleEnds)) throw error;
      if (length === bytes.size) throw badTorch('it was cut short: its pickle does not end', { cause: error });
      if (length === MAX_PICKLE) throw badTorch(`its pickle is longer than ${MAX_PICKLE} bytes`, { cause: error });
    }
  }
}

function complete<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof PickleEnds) throw badTorch('its pickle does not end', { cause: error });
    throw error;
  }
}

/** Bytes of an element. */
export function sizeOf(dtype: Storage['dtype']): number {
  return (BITS.get(dtype) as number) / 8;
}
