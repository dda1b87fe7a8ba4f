/** Pictures in Node: the pixels of a PNG or JPEG file, upright. */
import { readFile, stat } from 'node:fs/promises';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import type { Box, Size } from '../src/image/crop.ts';
import type { RawPicture } from '../src/image/source.ts';
import { kindOf } from '../tools/save.ts';
import { decodeJpeg } from './jpeg/decode.ts';
import { markerAfter } from './jpeg/frame.ts';
import { decodePng } from './png.ts';

const bad = (message: string, cause?: unknown) => new FaceXFormerError('BAD_PICTURE', message, { cause });

/** @throws FaceXFormerError BAD_PICTURE: none, no file, of another kind, or damaged */
export async function readPicture(path: string): Promise<RawPicture> {
  let bytes: Buffer;
  try {
    const other = kindOf(await stat(path));
    if (other !== undefined) throw bad(`${path} is ${other}.`);
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof FaceXFormerError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path.includes('\uFFFD')) throw bad(`${path} cannot be read: its name is not UTF-8. Rename it.`, cause);
    throw bad(code === 'ENOENT' || code === 'ENOTDIR' ? `There is no file ${path}.` : `${path} cannot be read: ${code ?? message}.`, cause);
  }
  return decodePicture(bytes, path);
}

/** @param name what the picture is called where it cannot be decoded @throws FaceXFormerError BAD_PICTURE */
export async function decodePicture(bytes: Buffer, name: string): Promise<RawPicture> {
  const format = formatOf(bytes);
  try {
    if (format === 'PNG') {
      const { picture, exif } = await decodePng(bytes);
      return upright(picture, exif ? orientationIn(exif) : 1);
    }
    if (format === 'JPEG') return upright(decodeJpeg(bytes), orientationOf(bytes));
  } catch (cause) {
    throw bad(`${name} cannot be decoded: ${(cause as Error).message}`, cause);
  }
  if (bytes.length === 0) throw bad(`${name} is empty: it has 0 bytes.`);
  throw bad(
    format === undefined
      ? `${name} is neither PNG nor JPEG, which are what can be read here.`
      : `${name} is ${format}; only PNG and JPEG can be read here. Convert it first.`,
  );
}

/** What a file is by its first bytes, whatever its name; undefined where they are none that are known. */
export function formatOf(bytes: Buffer): string | undefined {
  const text = (from: number, to: number) => bytes.toString('latin1', from, to);
  const start = text(0, 16);
  if (start.startsWith('\x89PNG')) return 'PNG';
  if (start.startsWith('\xff\xd8')) return 'JPEG';
  if (text(4, 8) === 'ftyp') return formatOfBrand(text(8, 12));
  if (start.startsWith('RIFF')) return { WEBP: 'WebP', 'AVI ': 'a video (AVI)' }[text(8, 12)];
  for (const [mark, format] of MARKS) if (start.startsWith(mark)) return format;
  const beginning = text(0, 1024)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (/^(<\?xml|<!--|<!doctype svg|<svg)/i.test(beginning) && /<svg[\s>]/i.test(beginning)) return 'SVG, a drawing';
  if (/^<(!doctype )?html/i.test(beginning)) return 'a web page (HTML)';
  return undefined;
}

const MARKS: readonly (readonly [string, string])[] = [
  ['GIF8', 'GIF'],
  ['BM', 'BMP'],
  ['II*\0', 'TIFF'],
  ['MM\0*', 'TIFF'],
  ['II+\0', 'TIFF'],
  ['MM\0+', 'TIFF'],
  ['\xff\x0a', 'JPEG XL'],
  ['\0\0\0\x0cJXL ', 'JPEG XL'],
  ['\0\0\0\x0cjP  ', 'JPEG 2000'],
  ['\xffO\xffQ', 'JPEG 2000'],
  ['8BPS', 'PSD, of Photoshop'],
  ['%PDF', 'PDF, a document'],
  ['PK\x03\x04', 'a ZIP archive'],
  ['\x1aE\xdf\xa3', 'a video (Matroska or WebM)'],
];

/** What a file of boxes is, HEIC, AVIF or a video, by its brand. */
function formatOfBrand(brand: string): string {
  if (/^avi[fs]$/.test(brand)) return 'AVIF';
  if (/^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)) return 'HEIC';
  return 'a video (MP4 or QuickTime)';
}

/** The pixels of a box of whole numbers inside the picture. */
export function cut({ data, width }: RawPicture, { x0, y0, x1, y1 }: Box): RawPicture {
  const row = 4 * (x1 - x0);
  const pixels = new Uint8Array(row * (y1 - y0));
  for (let y = y0; y < y1; y++) pixels.set(data.subarray(4 * (y * width + x0), 4 * (y * width + x0) + row), row * (y - y0));
  return { data: pixels, width: x1 - x0, height: y1 - y0 };
}

/** The EXIF orientation of a JPEG file, 1 to 8; 1, upright, where it says none. */
export function orientationOf(bytes: Buffer): number {
  for (let at = markerAfter(bytes, 2); at + 3 <= bytes.length && bytes[at] !== 0xda; ) {
    const end = at + 1 + bytes.readUInt16BE(at + 1);
    if (bytes[at] === 0xe1 && bytes.toString('latin1', at + 3, at + 9) === 'Exif\0\0') return orientationIn(bytes.subarray(at + 9, end));
    at = markerAfter(bytes, end);
  }
  return 1;
}

/** Looks through the first directory of the TIFF data that EXIF is. */
function orientationIn(tiff: Buffer): number {
  const little = tiff.subarray(0, 2).toString('latin1') === 'II';
  const short = (at: number) => (at + 2 > tiff.length ? 0 : little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const long = (at: number) => (at + 4 > tiff.length ? 0 : little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const directory = long(4);
  for (let i = 0; i < short(directory); i++) {
    const entry = directory + 2 + 12 * i;
    const orientation = short(entry + 8);
    if (short(entry) === 0x0112 && orientation >= 1 && orientation <= 8) return orientation;
  }
  return 1;
}

/** A pixel's place in the picture as it is stored, from its place in the upright one; by EXIF's orientation, from 2 on. */
const PLACES: readonly ((x: number, y: number, width: number, height: number) => readonly [number, number])[] = [
  (x, y, width) => [width - 1 - x, y],
  (x, y, width, height) => [width - 1 - x, height - 1 - y],
  (x, y, _, height) => [x, height - 1 - y],
  (x, y) => [y, x],
  (x, y, _, height) => [y, height - 1 - x],
  (x, y, width, height) => [width - 1 - y, height - 1 - x],
  (x, y, width) => [width - 1 - y, x],
];

/** @param stored pixels that begin at a multiple of four bytes, as decoders make them */
export function upright(stored: RawPicture, orientation: number): RawPicture {
  const place = PLACES[orientation - 2];
  if (!place) return stored;
  const turned = orientation >= 5;
  const [width, height] = turned ? [stored.height, stored.width] : [stored.width, stored.height];
  const from = new Uint32Array(stored.data.buffer, stored.data.byteOffset, stored.width * stored.height);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [column, row] = place(x, y, stored.width, stored.height);
      to[y * width + x] = from[row * stored.width + column] as number;
    }
  return { data: new Uint8Array(to.buffer), width, height };
}

/** A smaller picture, each of whose pixels is the mean of those that it covers. */
export function reduced({ data, width, height }: RawPicture, to: Size): RawPicture {
  const made = new Uint8Array(4 * to.width * to.height);
  const edges = (from: number, count: number) => Array.from({ length: count + 1 }, (_, i) => Math.floor((i * from) / count));
  const [columns, rows] = [edges(width, to.width), edges(height, to.height)];
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++) {
      const [left, right] = [columns[x] as number, columns[x + 1] as number];
      const [top, bottom] = [rows[y] as number, rows[y + 1] as number];
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let row = top; row < bottom; row++)
          for (let column = left; column < right; column++) sum += data[4 * (row * width + column) + channel] as number;
        made[4 * (y * to.width + x) + channel] = Math.round(sum / ((right - left) * (bottom - top)));
      }
    }
  return { data: made, width: to.width, height: to.height };
}
