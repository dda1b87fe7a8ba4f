/** Pictures without a face, each a formula: what facenet-pytorch finds in them is in test/fixtures/textures.json. */
import type { RawPicture } from '../../src/image/source.ts';

/** Grey, or red, green and blue, of a pixel. */
type Shade = (x: number, y: number) => number | readonly [number, number, number];

function picture(width: number, height: number, shade: Shade): RawPicture {
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const said = shade(x, y);
      data.set([...(typeof said === 'number' ? [said, said, said] : said), 255], 4 * (y * width + x));
    }
  return { data, width, height };
}

/** 0 to 255, of two whole numbers, as noise has it: a hash (xorshift and multiply). */
function noise(x: number, y: number): number {
  let value = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  value = Math.imul(value ^ (value >>> 12), 0x297a2d39);
  return ((value ^ (value >>> 15)) >>> 0) & 255;
}

/** Letters of five by seven dots, a row a number. */
const LETTERS: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  C: [14, 17, 16, 16, 16, 17, 14],
  E: [31, 16, 16, 30, 16, 16, 31],
  F: [31, 16, 16, 30, 16, 16, 16],
  O: [14, 17, 17, 17, 17, 17, 14],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  X: [17, 17, 10, 4, 10, 17, 17],
};
const WORDS = 'FACES EXOTACOSTEFA TOASTX COFFEE OASES';

/** Lines of letters whose dots have a side of so many pixels. */
const text =
  (dot: number): Shade =>
  (x, y) => {
    const [column, row] = [Math.floor(x / (6 * dot)), Math.floor(y / (9 * dot))];
    const rows = LETTERS[WORDS[(column + 7 * row) % WORDS.length] as string];
    const [dx, dy] = [Math.floor(x / dot) % 6, Math.floor(y / dot) % 9];
    return rows && dx < 5 && dy < 7 && ((rows[dy] as number) >> (4 - dx)) & 1 ? 20 : 240;
  };

export const textures: Readonly<Record<string, RawPicture>> = {
  black: picture(320, 240, () => 0),
  white: picture(240, 320, () => 255),
  skin: picture(200, 200, () => [224, 172, 105]),
  'one pixel': picture(1, 1, () => 200),
  'a cell': picture(12, 12, noise),
  'just too small': picture(19, 400, noise),
  'as small as can be': picture(20, 20, noise),
  'low and wide': picture(300, 11, noise),
  noise: picture(256, 192, noise),
  'coloured noise': picture(192, 256, (x, y) => [noise(x, y), noise(x + 999, y), noise(x, y + 999)]),
  'coarse noise': picture(320, 240, (x, y) => noise(x >> 3, y >> 3)),
  'very coarse noise': picture(320, 240, (x, y) => noise(x >> 5, y >> 5)),
  checkers: picture(256, 256, (x, y) => (((x >> 4) + (y >> 4)) & 1) * 255),
  stripes: picture(256, 256, (x) => ((x >> 2) & 1) * 255),
  slope: picture(256, 256, (x, y) => (x + y) >> 1),
  rings: picture(256, 256, (x, y) => (((x - 128) ** 2 + (y - 128) ** 2) >> 6) & 255),
  bricks: picture(320, 240, (x, y) => (y % 20 < 2 || (x + (Math.floor(y / 20) % 2) * 25) % 50 < 2 ? [200, 200, 190] : [150, 60, 40])),
  'small print': picture(400, 300, text(1)),
  print: picture(400, 300, text(2)),
  'large print': picture(400, 300, text(5)),
};
