/**
 * JPEG files in Node, with the colours that libjpeg gives them, and so Pillow, OpenCV and browsers: jpeg-js repeats a colour that is stored for two
 * pixels or four, which moves a detected face by pixels. libjpeg's "fancy upsampling" (jdsample.c) weighs the neighbours in.
 */
import jpeg from 'jpeg-js';
import type { RawPicture } from '../src/image/source.ts';

/** What is said before the data begins. */
interface Frame {
  /** Across and down, component by component: samples in a unit. */
  readonly samples: readonly (readonly [across: number, down: number])[];
  /** Whether the components are red, green and blue themselves. */
  readonly isRgb: boolean;
  /** Where Adobe's segment names itself; 0 where there is none. */
  readonly adobe: number;
}

/** @throws Error: no JPEG, damaged, or of a kind that jpeg-js does not know */
export function decodeJpeg(bytes: Buffer): RawPicture {
  const frame = frameOf(bytes);
  const options = { useTArray: true, formatAsRGBA: true, maxMemoryUsageInMB: 4096, maxResolutionInMP: 400 } as const;
  if (frame?.samples.length !== 3) return jpeg.decode(bytes, options);
  const plain = Buffer.from(bytes);
  if (frame.adobe > 0) plain[frame.adobe] = 0; // what it says is known, and would keep jpeg-js from giving the components as they are
  const picture = jpeg.decode(plain, { ...options, colorTransform: false });
  if (frame.isRgb) return picture;
  const [[across, down] = [1, 1], ...colours] = frame.samples;
  for (const [i, [h, v]] of colours.entries()) smooth(picture, 1 + i, across / h, down / v);
  toRgb(picture.data);
  return picture;
}

/** What the segments before the data say; undefined where they cannot be followed. */
function frameOf(bytes: Buffer): Frame | undefined {
  let samples: Frame['samples'] | undefined;
  let names = '';
  let [adobe, transform] = [0, 1];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) at++;
    else if (marker === 0xda) return samples && { samples, adobe, isRgb: adobe > 0 ? transform === 0 : names === 'RGB' };
    else {
      const end = at + 2 + bytes.readUInt16BE(at + 2);
      const segment = bytes.subarray(at + 4, end);
      if (marker >= 0xc0 && marker <= 0xc2) {
        const components = Array.from({ length: segment[5] ?? 0 }, (_, i) => segment.subarray(6 + 3 * i, 9 + 3 * i));
        samples = components.map(([, sampling = 0x11]) => [sampling >> 4, sampling & 15]);
        names = components.map(([name = 0]) => String.fromCharCode(name)).join('');
      } else if (marker === 0xee && segment.toString('latin1', 0, 5) === 'Adobe') {
        adobe = at + 4;
        transform = segment[11] ?? 1;
      }
      at = end;
    }
  }
  return undefined;
}

/**
 * Spreads a component that has one sample for so many pixels across and down: three quarters of the nearest, one of the next. Of other steps than one and
 * two, and of two samples a row, libjpeg repeats as jpeg-js does.
 */
function smooth({ data, width, height }: RawPicture, channel: number, across: number, down: number): void {
  const [columns, rows] = [Math.ceil(width / across), Math.ceil(height / down)];
  if (![1, 2].includes(across) || ![1, 2].includes(down) || across * down === 1 || (across === 2 && columns <= 2)) return;
  const sampled = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      sampled[row * columns + column] = data[4 * (row * down * width + column * across) + channel] as number;
  const line = new Uint16Array(columns);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / down);
    const next = Math.min(Math.max(row + (y % 2 === 0 ? -1 : 1), 0), rows - 1);
    for (let column = 0; column < columns; column++) {
      const nearest = sampled[row * columns + column] as number;
      line[column] = down === 2 ? 3 * nearest + (sampled[next * columns + column] as number) : nearest;
    }
    for (let x = 0; x < width; x++) data[4 * (y * width + x) + channel] = spread(line, x, y, across, down);
  }
}

/** A pixel of a line that was weighed down already; rounding is libjpeg's, which alternates. */
function spread(line: Uint16Array, x: number, y: number, across: number, down: number): number {
  if (across === 1) return ((line[x] as number) + (y % 2 === 0 ? 1 : 2)) >> 2;
  const column = x >> 1;
  const nearest = line[column] as number;
  const next = line[Math.min(Math.max(column + (x % 2 === 0 ? -1 : 1), 0), line.length - 1)] as number;
  return down === 2 ? (3 * nearest + next + (x % 2 === 0 ? 8 : 7)) >> 4 : (3 * nearest + next + (x % 2 === 0 ? 1 : 2)) >> 2;
}

/** Y, Cb and Cr to red, green and blue, in libjpeg's integers (jdcolor.c). */
function toRgb(data: Uint8Array | Uint8ClampedArray): void {
  const fixed = (factor: number) => Math.floor(factor * 65536 + 0.5);
  const [redOfCr, blueOfCb, greenOfCb, greenOfCr] = [1.402, 1.772, 0.34414, 0.71414].map(fixed) as [number, number, number, number];
  const bound = (value: number) => Math.min(Math.max(value, 0), 255);
  for (let i = 0; i < data.length; i += 4) {
    const luma = data[i] as number;
    const cb = (data[i + 1] as number) - 128;
    const cr = (data[i + 2] as number) - 128;
    data[i] = bound(luma + ((redOfCr * cr + 32768) >> 16));
    data[i + 1] = bound(luma + ((32768 - greenOfCb * cb - greenOfCr * cr) >> 16));
    data[i + 2] = bound(luma + ((blueOfCb * cb + 32768) >> 16));
  }
}
