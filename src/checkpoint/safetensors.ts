/**
 * A strict reader of safetensors headers. The format: 8 bytes, little-endian, the length N of the header; N bytes of JSON; the data.
 * Rules as in huggingface/safetensors, README "Format" and `Metadata::validate`, and stricter where JSON leaves room.
 */
import type { FaceXFormerError } from '../gpu/errors.ts';
import type { TensorInfo } from './checkpoint.ts';
import { bytesOf, isDtype } from './dtypes.ts';
import { badFile, parseHeaderJson, quote, type RawTensor } from './header-json.ts';

/** Longest header taken: fifty times what this model's largest file needs. The format's own ceiling is 100,000,000. */
export const MAX_HEADER_BYTES = 8 * 1024 * 1024;

/** A tensor and where its data begins, in bytes from the end of the header. */
export interface StoredTensor extends TensorInfo {
  readonly offset: number;
}

export interface SafetensorsHeader {
  /** The tensors in the data's order: each begins where the one before ended, the first at 0. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** `__metadata__`: free text, meaningless to the engine. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Its JSON as it stands in the file. */
  readonly text: string;
  /** Bytes before the data: 8 and the header. */
  readonly dataStart: number;
  /** Bytes of all data together. */
  readonly dataBytes: number;
}

/**
 * The header's length N from the file's first 8 bytes (fewer are an error).
 * @param fileLength bytes in the whole file, where known
 * @param name of the file, for what is said of it
 * @throws FaceXFormerError BAD_WEIGHTS_FILE
 */
export function headerLength(start: Uint8Array, fileLength?: number, name = 'this'): number {
  if (start.length < 8) throw badFile(`it has ${start.length} bytes, and the header's length alone takes 8`);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  const long = `its header would have ${length} bytes`;
  if (length > MAX_HEADER_BYTES) throw badFile(otherFormat(start, name) ?? `${long}; at most ${MAX_HEADER_BYTES} are taken`);
  if (fileLength !== undefined && length > fileLength - 8)
    throw badFile(otherFormat(start, name) ?? `${long}, and the file has ${fileLength} in all`);
  return Number(length);
}

/**
 * Parses and checks the header.
 * @param json of the header, and nothing behind it
 * @param fileLength bytes in the whole file; `undefined` where a stream has yet to tell: the caller then checks its end
 * @param length bytes that the header should have
 * @throws FaceXFormerError BAD_WEIGHTS_FILE naming the rule and the tensor
 */
export function headerOf(json: Uint8Array, fileLength: number | undefined, length: number = json.length): SafetensorsHeader {
  const dataStart = 8 + length;
  if (json.length < length) throw badFile(`it ends within its header, at byte ${8 + json.length} of ${dataStart}`);
  const text = decoded(json);
  const raw = parseHeaderJson(text);
  const stored = [...raw.tensors].map(([name, entry]) => storedTensor(name, entry));
  stored.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = 0;
  for (const tensor of stored) {
    if (tensor.offset !== end)
      throw badFile(`tensor ${quote(tensor.name)} begins at byte ${tensor.offset} of the data, the one before ends at ${end}`);
    end += tensor.bytes;
  }
  if (dataStart + end > Number.MAX_SAFE_INTEGER) throw badFile('its data would be longer than 2^53 bytes');
  if (fileLength !== undefined && fileLength !== dataStart + end) throw wrongLength(fileLength, dataStart + end);
  return { tensors: new Map(stored.map((t) => [t.name, t])), metadata: raw.metadata, text, dataStart, dataBytes: end };
}

/** A file whose tensors end before or after its last byte. */
export function wrongLength(is: number, should: number): FaceXFormerError {
  if (is < should) return badFile(`it was cut short: it has ${is} bytes instead of ${should}; fetch or copy it again`);
  return badFile(`it has bytes after its last tensor: ${is} instead of ${should}`);
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw badFile('its header is not UTF-8', { cause });
  }
}

function storedTensor(name: string, { dtype, shape, data_offsets }: RawTensor): StoredTensor {
  const [begin, end] = data_offsets as [number, number];
  const bad = (why: string) => badFile(`tensor ${quote(name)} ${why}`);
  if (!isDtype(dtype)) throw bad(`has the unknown dtype ${quote(dtype)}`);
  if (end < begin) throw bad(`ends at byte ${end}, before it begins at ${begin}`);
  const bytes = bytesOf(dtype, shape);
  const what = `of shape [${shape}] and dtype ${dtype}`;
  if (bytes > Number.MAX_SAFE_INTEGER) throw bad(`${what} is too large to have a size`);
  if (!Number.isInteger(bytes)) throw bad(`${what} does not fill whole bytes`);
  if (bytes !== end - begin) throw bad(`${what} takes ${bytes} bytes, and its offsets span ${end - begin}`);
  return { name, dtype, shape, bytes, offset: begin };
}

/** How files begin that people give by mistake. Read as a header's length, nearly all of them are far above the cap. */
const OTHERS: readonly (readonly [starts: readonly string[], what: string])[] = [
  [['version '], 'it is a pointer of Git LFS: fetch the file itself with `git lfs pull`'],
  [
    ['PK\x03\x04', '\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'],
    'it looks like a PyTorch file: make it one of safetensors with `facexformer convert`',
  ],
  [['\x1f\x8b'], 'it is packed by gzip: unpack it first'],
  [['BZh', '\xfd7zXZ', '(\xb5/\xfd', '7z\xbc\xaf', 'Rar!'], 'it is a packed archive: unpack it first'],
  [['GGUF', '\x89HDF', '\x93NUMPY', 'TFL3'], 'it is a file of weights of another kind'],
  [['\x89PNG', '\xff\xd8\xff', 'GIF8', 'RIFF', '%PDF'], 'it is a picture or a document'],
];

/** What the file is instead, where its first bytes tell. */
function otherFormat(start: Uint8Array, name: string): string | undefined {
  const text = String.fromCharCode(...start.subarray(0, 8)).replace(/^\xEF\xBB\xBF/, '');
  if (/^\s*<(!|html|head|\?xml)/i.test(text)) {
    const what = /\W/.test(name) ? name : 'it'; // `bytes` or `response` is nobody's name
    return `${what} is a web page, not a file of weights: check the address that it comes from`;
  }
  if (/^\s*[{[]\s*["{[\]}\d]/.test(text)) return 'it is JSON; a config.json or an index of shards names the files of weights beside it';
  const known = OTHERS.find(([starts]) => starts.some((one) => text.startsWith(one)))?.[1];
  return known ?? (/^[ -~\s]{8}$/.test(text) ? `it begins with the text ${quote(text)}: check the address that it comes from` : undefined);
}
