/** In the page: a JPEG of coloured blocks with an EXIF orientation, written by the browser and tagged here. */
import type { Box } from '../../src/image/crop.ts';
import { type Pixels, pixelsOf } from './pictures.page.ts';

/** Side of a block: a multiple of JPEG's blocks with halved colour. */
const BLOCK = 16;

async function jpeg(columns: number, rows: number, colours: string[]): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(columns * BLOCK, rows * BLOCK);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  colours.forEach((colour, i) => {
    context.fillStyle = colour;
    context.fillRect((i % columns) * BLOCK, Math.floor(i / columns) * BLOCK, BLOCK, BLOCK);
  });
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 1 })).arrayBuffer());
}

/** The file with an APP1 segment after its first marker: "Exif", a big-endian TIFF header, one entry: 0x0112 = orientation. */
function tagged(file: Uint8Array, orientation: number): Blob {
  const exif = [
    0x45,
    0x78,
    0x69,
    0x66,
    0,
    0,
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    0x01,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const segment = Uint8Array.from([0xff, 0xe1, 0, exif.length + 2, ...exif]);
  const whole = Uint8Array.of(...file.subarray(0, 2), ...segment, ...file.subarray(2)); // Firefox tells a kind by the first part alone
  return new Blob([whole], { type: 'image/jpeg' });
}

export async function readOriented(
  as: string,
  orientation: number,
  columns: number,
  rows: number,
  colours: string[],
  box: Box,
): Promise<Pixels> {
  const blob = tagged(await jpeg(columns, rows, colours), orientation);
  if (as === 'Blob') return pixelsOf(blob, box);
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  return pixelsOf(image, box);
}
