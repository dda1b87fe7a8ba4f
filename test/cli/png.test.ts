/** PNG files in Node against what Pillow reads of them: fixtures-scripts/pillow-png.py wrote pillow-png.json. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodePng } from '../../cli/png.ts';
import { png } from '../image/files.ts';

const files: { name: string; file: string; sha256: string | null }[] = JSON.parse(
  readFileSync(new URL('pillow-png.json', import.meta.url), 'utf8'),
);

const rgbOf = async (file: Buffer) => (await decodePng(file)).picture.data.filter((_, i) => i % 4 !== 3);

it.each(files.filter(({ sha256 }) => sha256 !== null))('$name: the pixels are those of Pillow', async ({ file, sha256 }) => {
  const rgb = await rgbOf(Buffer.from(file, 'base64'));
  expect(createHash('sha256').update(Uint8Array.from(rgb)).digest('hex')).toBe(sha256);
});

it.each(files.filter(({ sha256 }) => sha256 === null))('$name: refused, as by Pillow', async ({ file }) => {
  await expect(decodePng(Buffer.from(file, 'base64'))).rejects.toThrow();
});

it('alpha is the file’s, of 16 bits the upper eight, and full where there is none', async () => {
  const one = { width: 1, height: 1 } as const;
  const alphaOf = async (file: Parameters<typeof png>[0]) => (await decodePng(png(file))).picture.data[3];
  expect(await alphaOf({ ...one, colourType: 4, bitDepth: 8, samples: Uint8Array.of(1, 77) })).toBe(77);
  expect(await alphaOf({ ...one, colourType: 6, bitDepth: 16, samples: Uint8Array.of(1, 0, 2, 0, 3, 0, 99, 255) })).toBe(99);
  expect(await alphaOf({ ...one, colourType: 3, bitDepth: 8, samples: Uint8Array.of(0), palette: new Uint8Array(3) })).toBe(255);
});

it('a palette that is not there is refused, as by browsers', async () => {
  const file = png({ width: 2, height: 1, colourType: 3, bitDepth: 8, samples: Uint8Array.of(0, 1) });
  await expect(decodePng(file)).rejects.toThrow('it has no palette');
});
