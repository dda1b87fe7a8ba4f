/** JPEG files in Node against what Pillow reads of them: fixtures-scripts/pillow-jpeg.py wrote pillow-jpeg.json. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodeJpeg } from '../../cli/jpeg.ts';

const files = (
  JSON.parse(readFileSync(new URL('pillow-jpeg.json', import.meta.url), 'utf8')) as { name: string; file: string; rgb: string }[]
).map(({ name, file, rgb }) => ({ name, file: Buffer.from(file, 'base64'), rgb: Buffer.from(rgb, 'base64') }));

const rgbOf = (file: Buffer) => decodeJpeg(file).data.filter((_, i) => i % 4 !== 3);

it.each(files)('colours of $name are those of libjpeg, but for the rounding of its cosines', ({ file, rgb }) => {
  const apart = [...rgbOf(file)].map((value, i) => Math.abs(value - (rgb[i] as number)));
  expect(apart).toHaveLength(35 * 21 * 3);
  expect(Math.max(...apart)).toBeLessThanOrEqual(4);
  expect(apart.reduce((sum, one) => sum + one, 0) / apart.length).toBeLessThan(0.5);
});

it("Adobe's segment says whether they are luma and chroma, or red, green and blue", () => {
  const { file } = files[0] as (typeof files)[number];
  const adobe = (transform: number) => {
    const segment = Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform]);
    return Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
  };
  expect(rgbOf(adobe(1))).toEqual(rgbOf(file));
  const [luma, cb, cr] = rgbOf(adobe(0)) as unknown as [number, number, number];
  const red = Math.min(Math.max(luma + 1.402 * (cr - 128), 0), 255);
  expect(Math.abs((rgbOf(file)[0] as number) - red)).toBeLessThanOrEqual(1);
  expect(cb).not.toBe(rgbOf(file)[1]);
});
