/** Writes files as torch.save does: the zip form around a pickle, for tests that need many, broken ones, or large ones. */
import { crc32 } from 'node:zlib';

export interface Entry {
  name: string;
  data: Uint8Array;
  /** Lies, for tests. */
  crc?: number;
  method?: number;
  uncompressed?: number;
}

const text = new TextEncoder();

/** The pieces of a zip archive of stored entries, with the end records of zip64 that PyTorch writes however small the archive is. */
export function* zipPieces(entries: Iterable<Entry>): Generator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = text.encode(entry.name);
    const fields = (header: number, before: number) => {
      const out = new Uint8Array(header + name.length);
      const view = new DataView(out.buffer);
      view.setUint16(before, entry.method ?? 0, true);
      view.setUint32(before + 6, entry.crc ?? crc32(entry.data), true);
      view.setUint32(before + 10, entry.data.length, true);
      view.setUint32(before + 14, entry.uncompressed ?? entry.data.length, true);
      view.setUint16(before + 18, name.length, true);
      out.set(name, header);
      return { out, view };
    };
    const local = fields(30, 8);
    local.view.setUint32(0, 0x04034b50, true);
    const central = fields(46, 10);
    central.view.setUint32(0, 0x02014b50, true);
    central.view.setUint32(42, offset, true);
    directory.push(central.out);
    offset += local.out.length + entry.data.length;
    yield local.out;
    yield entry.data;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  yield* directory;
  const large = new Uint8Array(76);
  const records = new DataView(large.buffer);
  records.setUint32(0, 0x06064b50, true);
  records.setUint32(4, 44, true);
  records.setUint32(12, 0x2d031e, true);
  for (const [at, value] of [
    [24, directory.length],
    [32, directory.length],
    [40, size],
    [48, offset],
  ] as const)
    records.setUint32(at, value, true);
  records.setUint32(56, 0x07064b50, true);
  records.setUint32(64, offset + size, true);
  records.setUint32(72, 1, true);
  yield large;
  const end = new Uint8Array(22);
  const view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, directory.length, true);
  view.setUint16(10, directory.length, true);
  view.setUint32(12, size, true);
  view.setUint32(16, offset, true);
  yield end;
}

export function join(pieces: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const all = [...pieces];
  const out = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of all) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** A zip-form file around this pickle, with these storages; `folder` is what PyTorch makes of the file's name. */
export function torchZip(pickle: Uint8Array, storages: Record<string, Uint8Array> = {}, folder = 'archive'): Uint8Array<ArrayBuffer> {
  const data = Object.entries(storages).map(([key, data]) => ({ name: `${folder}/data/${key}`, data }));
  const version = { name: `${folder}/version`, data: text.encode('3\n') };
  return join(zipPieces([{ name: `${folder}/data.pkl`, data: pickle }, ...data, version]));
}

/** Pickle opcodes as Python's own writer chooses them. */
export const op = {
  bytes: (...codes: number[]) => Uint8Array.from(codes),
  global: (module: string, name: string) => text.encode(`c${module}\n${name}\n`),
  text: (value: string) => {
    const data = text.encode(value);
    const out = new Uint8Array(5 + data.length);
    out[0] = 0x58;
    new DataView(out.buffer).setUint32(1, data.length, true);
    out.set(data, 5);
    return out;
  },
  int: (value: number) => {
    const out = new Uint8Array(5);
    out[0] = 0x4a;
    new DataView(out.buffer).setInt32(1, value, true);
    return out;
  },
  tuple: (...items: Uint8Array[]) => join([op.bytes(0x28), ...items, op.bytes(0x74)]),
  reduce: (what: Uint8Array, args: Uint8Array) => join([what, args, op.bytes(0x52)]),
  dict: (items: [key: string, value: Uint8Array][]) =>
    join([op.bytes(0x7d, 0x28), ...items.flatMap(([key, value]) => [op.text(key), value]), op.bytes(0x75)]),
  tensor: (
    key: string,
    count: number,
    shape: readonly number[],
    { offset = 0, strides = rowMajor(shape), type = 'FloatStorage', metadata = new Uint8Array() } = {},
  ) => {
    const id = op.tuple(op.text('storage'), op.global('torch', type), op.text(key), op.text('cpu'), op.int(count));
    const storage = join([id, op.bytes(0x51)]);
    const args = op.tuple(
      storage,
      op.int(offset),
      op.tuple(...shape.map(op.int)),
      op.tuple(...strides.map(op.int)),
      op.bytes(0x89),
      op.dict([]),
      metadata,
    );
    return op.reduce(op.global('torch._utils', '_rebuild_tensor_v2'), args);
  },
  /** The whole pickle of a value. */
  pickle: (value: Uint8Array) => join([op.bytes(0x80, 2), value, op.bytes(0x2e)]),
};

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1));
}
