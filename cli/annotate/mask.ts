/** A parsing mask as a PNG file: a palette of the classes' colours, so that a pixel's index is its class and the file shows what it means. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { Segmentation } from '../../src/face/results.ts';
import { write } from '../../tools/terminal/write.ts';

type Mask = Pick<Segmentation<string>, 'width' | 'height' | 'classes' | 'palette'>;

export function maskPng({ width, height, classes, palette }: Mask): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8); // 8 bits, palette
  const rows = Buffer.alloc((width + 1) * height); // a byte before each row says that it is not filtered
  for (let y = 0; y < height; y++) rows.set(classes.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => [...colour]))),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** The mask's file below the masks' folder: the picture's name, and which of its faces. A name never leads out of the folder. */
export function maskName(picture: string, face: number): string {
  const parts = picture.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
  return `${parts.map((part) => (part === '..' ? '__' : shortened(part.replaceAll(':', '_')))).join('/')}.${face}.png`;
}

/** A name to which more is added, and which may fill the 255 bytes that file systems take already: of a long one its first characters, and its CRC. */
const shortened = (name: string): string =>
  Buffer.byteLength(name) > 200 ? `${[...name].slice(0, 40).join('')}-${crc32(name).toString(16)}` : name;

export function writeMask(folder: string, name: string, mask: Mask): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  write(path, maskPng(mask));
}
