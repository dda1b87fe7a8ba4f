/** Pictures in Node: the pixels of a PNG or JPEG file, upright. */
import { readFile } from 'node:fs/promises';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import type { Size } from '../src/image/crop.ts';
import type { RawPicture } from '../src/image/source.ts';

/** @throws FaceXFormerError BAD_PICTURE: of another kind, or damaged */
export async function readPicture(path: string): Promise<RawPicture> {
  const bytes = await readFile(path);
  try {
    if (bytes.subarray(1, 4).toString('latin1') === 'PNG') {
      const { data, width, height } = PNG.sync.read(bytes);
      return { data, width, height };
    }
    if (bytes[0] === 0xff && bytes[1] === 0xd8) {
      const decoded = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: true, maxMemoryUsageInMB: 4096, maxResolutionInMP: 400 });
      return upright(decoded, orientationOf(bytes));
    }
  } catch (cause) {
    throw new FaceXFormerError('BAD_PICTURE', `${path} cannot be decoded: ${(cause as Error).message}`, { cause });
  }
  throw new FaceXFormerError('BAD_PICTURE', `${path} is neither PNG nor JPEG, which are what can be read here.`);
}

/** The EXIF orientation of a JPEG file, 1 to 8; 1, upright, where it says none. */
export function orientationOf(bytes: Buffer): number {
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes[at + 1] === 0xe1 && bytes.subarray(at + 4, at + 10).toString('latin1') === 'Exif\0\0')
      return orientationIn(bytes.subarray(at + 10, at + 2 + bytes.readUInt16BE(at + 2)));
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

export function upright(stored: RawPicture, orientation: number): RawPicture {
  const place = PLACES[orientation - 2];
  if (!place) return stored;
  const turned = orientation >= 5;
  const [width, height] = turned ? [stored.height, stored.width] : [stored.width, stored.height];
  const from = new Uint32Array(new Uint8Array(stored.data).buffer);
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
