/**
 * JPEG files in Node, to the very bytes of libjpeg, and so of Pillow, OpenCV and most browsers: decoders that round a cosine or spread a colour otherwise
 * move a detected face by a pixel and more. Where libjpeg warns of damage and goes on with grey,
 * the file is refused.
 */
import type { RawPicture } from '../../src/image/source.ts';
import { paint } from './colours.ts';
import { transformBlock } from './cosine.ts';
import { readFile } from './file.ts';
import type { Frame } from './frame.ts';

/** @throws Error: no JPEG, cut short, damaged, or of a kind that is not read */
export function decodeJpeg(bytes: Uint8Array): RawPicture {
  const frame = read(bytes);
  if (frame.isProgressive) for (const component of frame.components) transformAll(component);
  return { data: paint(frame), width: frame.width, height: frame.height };
}

function read(bytes: Uint8Array): Frame {
  try {
    return readFile(bytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new Error('a segment is too short for what it should say, or there is not enough memory', { cause });
  }
}

/** Coefficients that came in several scans are complete only now. */
function transformAll({ coefficients, blocksAcross, blocksDown, quantisation, samples }: Frame['components'][number]): void {
  for (let row = 0; row < blocksDown; row++)
    for (let column = 0; column < blocksAcross; column++) {
      const at = 64 * (row * blocksAcross + column);
      transformBlock(
        coefficients.subarray(at, at + 64),
        quantisation as Uint16Array,
        samples,
        8 * (8 * row * blocksAcross + column),
        8 * blocksAcross,
      );
    }
}
