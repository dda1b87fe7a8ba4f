/** The entries of a zip archive as torch.save writes it: stored, not compressed. @zip.js/zip.js reads the directory, zip64 included. */
import { crc32 } from 'node:zlib';
import { configure, Reader, ZipReader } from '@zip.js/zip.js';
import { badTorch } from './pickle.ts';
import type { RandomAccess } from './source.ts';

// Directories are small: no workers, which would keep the process alive.
configure({ useWebWorkers: false });

export interface ZipEntry {
  readonly name: string;
  /** Where the entry's local header is. */
  readonly header: number;
  readonly bytes: number;
  readonly crc: number;
}

/** PyTorch has an entry a storage; a state dict of 10,000 tensors is beyond any checkpoint of ours. */
const MAX_ENTRIES = 100_000;

/** Lengths of the records at an archive's end: the last one, and before it what tells where zip64's is. */
const END = 22;
const LOCATOR = 20;

/**
 * The archive as zip.js reads it right. PyTorch writes the records of zip64 though nothing needs them, and zip.js then looks past them only where the
 * last record defers to them: else it takes the directory to end with them, and believes that it begins later where an entry happens to begin there.
 */
class AccessReader extends Reader<RandomAccess> {
  readonly #bytes: RandomAccess;
  readonly #zip64: boolean;

  private constructor(bytes: RandomAccess, zip64: boolean) {
    super(bytes);
    this.#bytes = bytes;
    this.#zip64 = zip64;
    this.size = bytes.size;
  }

  static async of(bytes: RandomAccess): Promise<AccessReader> {
    if (bytes.size < LOCATOR + END) return new AccessReader(bytes, false);
    const end = await bytes.read(bytes.size - LOCATOR - END, LOCATOR + END);
    const view = new DataView(end.buffer, end.byteOffset);
    return new AccessReader(bytes, view.getUint32(0, true) === 0x07064b50 && view.getUint32(LOCATOR, true) === 0x06054b50);
  }

  override async readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    const from = Math.min(offset, this.#bytes.size);
    const read = await this.#bytes.read(from, Math.min(length, this.#bytes.size - from));
    if (!this.#zip64) return read;
    const counts = this.#bytes.size - END + 8; // and sizes: all ones defer
    const deferred = read.slice();
    deferred.fill(0xff, Math.max(0, counts - from), Math.max(0, counts + 12 - from));
    return deferred;
  }
}

/** What is in archives of programs. */
const PROGRAMS = /(^|\/)(?:code\/__torch__|constants\.pkl$|(archive_format)$)/;
/** What torch.save puts into its archives. */
const OWN = /(^|\/)(data\.pkl|data\/\d+|version|byteorder|\.[\w/]+)$/;

/** What to do with an archive into which somebody put files, or whoever offered them for download did. */
export const UNPACK = 'Unpack it, and give the file of weights';

/** The archive's files by name. @throws FaceXFormerError BAD_WEIGHTS_FILE */
export async function zipEntries(bytes: RandomAccess): Promise<Map<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>();
  let held = 0;
  const reader = new ZipReader(await AccessReader.of(bytes));
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (entry.directory) continue;
      const name = JSON.stringify(entry.filename.slice(0, 80));
      if (entries.size === MAX_ENTRIES) throw badTorch(`it is a zip archive of more than ${MAX_ENTRIES} entries`);
      if (entries.has(entry.filename)) throw badTorch(`it is a zip archive with two entries ${name}`);
      const program = PROGRAMS.exec(entry.filename);
      if (program)
        throw badTorch(
          `it is ${program[2] ? 'of torch.export' : 'TorchScript'}, a program with its weights. Save the state dict instead: torch.save(model.state_dict(), FILE)`,
        );
      if (entry.compressionMethod !== 0 || entry.compressedSize !== entry.uncompressedSize)
        throw badTorch(
          OWN.test(entry.filename)
            ? `its zip entry ${name} is compressed; torch.save stores without compression. Unpack the archive and pack it with zip -0`
            : `it is a zip archive of files, such as ${name}. ${UNPACK}`,
        );
      if (entry.encrypted) throw badTorch(`its zip entry ${name} is encrypted`);
      if (entry.offset + entry.uncompressedSize > bytes.size) throw badTorch(`its zip entry ${name} reaches beyond the file`);
      // Entries that overlap would be read many times over.
      held += entry.uncompressedSize;
      if (held > bytes.size) throw badTorch('its zip entries hold more bytes than the file');
      entries.set(entry.filename, {
        name: entry.filename,
        header: entry.offset,
        bytes: entry.uncompressedSize,
        crc: (entry.crc32 ?? entry.signature ?? 0) >>> 0,
      });
    }
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'FaceXFormerError') throw cause;
    throw badTorch(`its zip directory is damaged or cut off (${cause instanceof Error ? cause.message : cause})`, { cause });
  }
  return entries;
}

/** Where an entry's data begins: after its local header, whose length only that header tells. */
export async function entryStart(bytes: RandomAccess, { name, header, bytes: length }: ZipEntry): Promise<number> {
  const fixed = await bytes.read(header, 30);
  const view = new DataView(fixed.buffer);
  if (view.getUint32(0, true) !== 0x04034b50)
    throw badTorch(`its zip entry ${JSON.stringify(name.slice(0, 80))} is not where the directory says`);
  const start = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + length > bytes.size) throw badTorch(`its zip entry ${JSON.stringify(name.slice(0, 80))} reaches beyond the file`);
  return start;
}

/** A whole entry of at most `limit` bytes, checked. */
export async function readEntry(bytes: RandomAccess, entry: ZipEntry, limit: number): Promise<Uint8Array> {
  if (entry.bytes > limit) throw badTorch(`its zip entry ${JSON.stringify(entry.name.slice(0, 80))} of ${entry.bytes} bytes is too long`);
  const data = await bytes.read(await entryStart(bytes, entry), entry.bytes);
  checkCrc(entry, crc32(data));
  return data;
}

/** Reads an entry through once, in pieces, to check it. */
export async function checkEntry(bytes: RandomAccess, entry: ZipEntry, start: number): Promise<void> {
  let crc = 0;
  for (let at = 0; at < entry.bytes; at += PIECE) crc = crc32(await bytes.read(start + at, Math.min(PIECE, entry.bytes - at)), crc);
  checkCrc(entry, crc);
}

/** A checksum of 0 was not computed, as `torch.serialization.set_crc32_options(False)` has it. */
export function checkCrc({ name, crc }: ZipEntry, found: number): void {
  if (crc !== 0 && found !== crc)
    throw badTorch(`its zip entry ${JSON.stringify(name.slice(0, 80))} is damaged: its checksum does not fit`);
}

const PIECE = 4 * 1024 * 1024;
