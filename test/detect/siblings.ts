/** Pictures that are made of the fixtures, pixel by pixel: what facenet-pytorch finds in them is in siblings.json (fixtures-scripts/facenet-siblings.py). */
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import type { RawPicture } from '../../src/image/source.ts';

const read = (name: string): RawPicture => PNG.sync.read(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));

/** A picture whose pixel at x, y is that of another at the place that `from` gives, or 90 where it gives none. */
function picked(picture: RawPicture, width: number, height: number, from: (x: number, y: number) => readonly [number, number] | undefined) {
  const data = new Uint8Array(4 * width * height).fill(90);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [column, row] = from(x, y) ?? [-1, 0];
      const at = 4 * (row * picture.width + column);
      if (column >= 0) data.set(picture.data.subarray(at, at + 4), 4 * (y * width + x));
    }
  return { data, width, height };
}

/** The same picture in other colours: `change` is given a pixel's red, green and blue. */
const recoloured = ({ data, width, height }: RawPicture, change: (rgb: readonly number[]) => readonly number[]): RawPicture => ({
  data: Uint8Array.from({ length: data.length }, (_, i) =>
    i % 4 === 3 ? 255 : (change([...data.subarray(i - (i % 4), i - (i % 4) + 3)])[i % 4] as number),
  ),
  width,
  height,
});

export function siblings(): Readonly<Record<string, RawPicture>> {
  const [group, portrait] = [read('group.png'), read('astronaut.png')];
  const { width, height } = group;
  return {
    mirrored: picked(group, width, height, (x, y) => [width - 1 - x, y]),
    'upside down': picked(group, width, height, (x, y) => [width - 1 - x, height - 1 - y]),
    turned: picked(group, height, width, (x, y) => [width - 1 - y, x]),
    grey: recoloured(group, ([, green = 0]) => [green, green, green]),
    dark: recoloured(group, (rgb) => rgb.map((value) => Math.floor(value / 3))),
    inverted: recoloured(group, (rgb) => rgb.map((value) => 255 - value)),
    odd: picked(group, 333, 517, (x, y) => [x + 5, y + 20]),
    'half as large': picked(group, width / 2, height / 2, (x, y) => [2 * x, 2 * y]),
    tall: picked(portrait, 150, 1200, (x, y) => (x >= 11 && x < 139 && y >= 700 && y < 828 ? [4 * (x - 11), 4 * (y - 700)] : undefined)),
    'a face of twenty pixels': picked(portrait, 22, 22, (x, y) => [160 + 6 * x, 40 + 6 * y]),
  };
}
