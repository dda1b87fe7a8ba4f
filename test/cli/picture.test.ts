import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orientationOf, readPicture, reduced, upright } from '../../cli/picture.ts';
import { png } from '../image/files.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'picture-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A picture whose pixels are numbered: 3 wide and 2 high. */
const stored = { data: new Uint8Array(new Uint32Array([1, 2, 3, 4, 5, 6]).buffer), width: 3, height: 2 };

/** A JPEG file of nothing but its orientation: marker and length, `Exif`, and then TIFF data of 26 bytes. */
const exif = (order: 'II' | 'MM', orientation: number) => {
  const tiff = Buffer.alloc(26);
  const [short, long] = order === 'II' ? (['writeUInt16LE', 'writeUInt32LE'] as const) : (['writeUInt16BE', 'writeUInt32BE'] as const);
  tiff.write(order);
  tiff[short](42, 2);
  tiff[long](8, 4);
  tiff[short](1, 8);
  tiff[short](0x0112, 10);
  tiff[short](3, 12);
  tiff[long](1, 14);
  tiff[short](orientation, 18);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 8 + tiff.length]), Buffer.from('Exif\0\0'), tiff]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), segment, Buffer.from([0xff, 0xda, 0, 2])]);
};

describe('EXIF orientation', () => {
  // What the rows of the upright picture are, from the EXIF standard's words: which side of the picture row 0 and column 0 are.
  it.each([
    [1, 3, [1, 2, 3, 4, 5, 6]],
    [2, 3, [3, 2, 1, 6, 5, 4]],
    [3, 3, [6, 5, 4, 3, 2, 1]],
    [4, 3, [4, 5, 6, 1, 2, 3]],
    [5, 2, [1, 4, 2, 5, 3, 6]],
    [6, 2, [4, 1, 5, 2, 6, 3]],
    [7, 2, [6, 3, 5, 2, 4, 1]],
    [8, 2, [3, 6, 2, 5, 1, 4]],
    [9, 3, [1, 2, 3, 4, 5, 6]],
  ])('%i', (orientation, width, pixels) => {
    const picture = upright(stored, orientation);
    expect([picture.width, picture.height]).toEqual([width, 6 / width]);
    expect([...new Uint32Array(new Uint8Array(picture.data).buffer)]).toEqual(pixels);
  });

  it.each(['II', 'MM'] as const)('is read from a file of byte order %s', (order) => {
    for (let orientation = 1; orientation <= 8; orientation++) expect(orientationOf(exif(order, orientation))).toBe(orientation);
  });

  it('is found behind bytes that fill', () => {
    const whole = exif('MM', 8);
    expect(orientationOf(Buffer.concat([whole.subarray(0, 2), Buffer.alloc(3, 0xff), whole.subarray(2)]))).toBe(8);
  });

  it('is upright where a file says none, or is cut short anywhere', () => {
    const whole = exif('II', 6);
    expect(orientationOf(Buffer.from([0xff, 0xd8, 0xff, 0xda]))).toBe(1);
    for (let length = 0; length < whole.length; length++) expect([1, 6]).toContain(orientationOf(whole.subarray(0, length)));
  });
});

it('a smaller picture has the means of what each of its pixels covers', () => {
  const red = [0, 10, 21, 30, 40, 100, 110, 120, 131, 140, 200, 210, 220, 230, 255];
  const picture = { data: Uint8Array.from(red.flatMap((value) => [value, 255 - value, 7, 255])), width: 5, height: 3 };
  const { data, width, height } = reduced(picture, { width: 2, height: 2 });
  expect([width, height]).toEqual([2, 2]);
  // Columns 0 to 1 and 2 to 4, rows 0 and 1 to 2: sums of 2, 3, 4 and 6 pixels.
  const means = [10 / 2, 91 / 3, 620 / 4, 1096 / 6];
  expect([...data]).toEqual(means.flatMap((mean) => [Math.round(mean), Math.round(255 - mean), 7, 255]));
});

describe('a file', () => {
  const file = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('of PNG or JPEG is read, whatever its name', async () => {
    const png = Object.assign(new PNG({ width: 8, height: 8 }), { data: Buffer.alloc(8 * 8 * 4, 200) });
    const jpeg = readFileSync(new URL('../../docs/astronaut-detected.jpg', import.meta.url));
    for (const [path, size] of [
      [file('a.jpg', PNG.sync.write(png)), 8],
      [file('b.png', jpeg), 512],
    ] as const) {
      const { width, height, data } = await readPicture(path);
      expect([width, height, data.length]).toEqual([size, size, 4 * size * size]);
    }
  });

  const grey = { width: 3, height: 2, colourType: 0, bitDepth: 8, samples: Uint8Array.of(1, 2, 3, 4, 5, 6) } as const;
  const red = async (bytes: Buffer) => {
    const { data, width } = await readPicture(file('some.png', bytes));
    return [width, ...Array.from({ length: data.length / 4 }, (_, i) => data[4 * i])];
  };

  it.each([
    ['a transparent colour keeps it', png({ ...grey, alphas: Uint8Array.of(0, 3) }), [3, 1, 2, 3, 4, 5, 6]],
    ['what follows the picture is left alone', Buffer.concat([png(grey), Buffer.from('of a camera')]), [3, 1, 2, 3, 4, 5, 6]],
    // As Pillow and browsers: the upper byte, not rounded by the lower one.
    [
      '16 bits are read by their upper eight',
      png({ ...grey, bitDepth: 16, samples: Uint8Array.of(1, 255, 2, 0, 3, 128, 4, 200, 5, 1, 255, 255) }),
      [3, 1, 2, 3, 4, 5, 255],
    ],
    ['its EXIF orientation is followed', png({ ...grey, more: [['eXIf', exif('MM', 6).subarray(12, 38)]] }), [2, 4, 1, 5, 2, 6, 3]],
  ])('of PNG: %s', async (_, bytes, expected) => {
    expect(await red(bytes)).toEqual(expected);
  });

  const sized = (width: number, height: number) => {
    const whole = png(grey);
    whole.writeUInt32BE(width, 16);
    whole.writeUInt32BE(height, 20);
    return whole;
  };

  it.each([
    ['is larger than any picture', sized(60_000, 60_000), /more than 400 million/],
    ['is larger than its bytes can be', sized(15_000, 15_000), /cut short/],
    ['has no pixels', sized(0, 9), /0 x 9 pixels/],
    ['is packed for apps of iPhones', png({ ...grey, more: [['CgBI', new Uint8Array(4)]] }), /CgBI/],
    ['ends early', png(grey).subarray(0, -24), /cut short/],
  ])('of PNG that %s is refused at once', async (_, bytes, why) => {
    const begun = performance.now();
    await expect(readPicture(file('wrong.png', bytes))).rejects.toMatchObject({ code: 'BAD_PICTURE', message: expect.stringMatching(why) });
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it.each([
    ['nothing', ''],
    ['text', 'this is text'],
    ['a cut PNG', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0])],
    ['a cut JPEG', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16])],
  ])('of %s is a BAD_PICTURE that names it', async (_, bytes) => {
    await expect(readPicture(file('bad', bytes))).rejects.toMatchObject({
      code: 'BAD_PICTURE',
      message: expect.stringContaining(join(folder, 'bad')),
    });
  });
});
