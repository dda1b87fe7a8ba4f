/** Picture files of every PNG colour type, made for the tests. */
import { crc32, deflateSync } from 'node:zlib';

export interface PngFile {
  width: number;
  height: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  colourType: 0 | 2 | 3 | 4 | 6;
  bitDepth: 8 | 16;
  /** Samples as stored, big-endian where they take two bytes. */
  samples: Uint8Array;
  /** RGB triples. */
  palette?: Uint8Array;
  /** The palette's alphas, or the colour that is transparent. */
  alphas?: Uint8Array;
  /** Chunks besides, of a type and what they hold, before the pixels. */
  more?: readonly (readonly [type: string, data: Uint8Array])[];
  /** Exponent of the samples' transfer curve, as a colour-managed decoder would apply it. */
  gamma?: number;
}

export function png({ width, height, colourType, bitDepth, samples, palette, alphas, more = [], gamma }: PngFile): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colourType], 8);
  const curve = Buffer.alloc(4);
  curve.writeUInt32BE(Math.round((gamma ?? 0) * 100_000));
  const row = samples.length / height;
  const lines = Buffer.alloc(samples.length + height);
  for (let y = 0; y < height; y++) lines.set(samples.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    ...(gamma ? [chunk('gAMA', curve)] : []),
    ...(palette ? [chunk('PLTE', palette)] : []),
    ...(alphas ? [chunk('tRNS', alphas)] : []),
    ...more.map(([type, data]) => chunk(type, data)),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
