/** Maps of many sizes as the kernels of the detector take them: channels last, padded to fours, one after the other, and the table that lists them. */
import type { Map3 } from '../../src/detect/answer.ts';
import { randomValues } from './run.ts';

export interface Entry {
  readonly images: number;
  readonly width: number;
  readonly height: number;
}

export const quads = (channels: number): number => 4 * Math.ceil(channels / 4);

/** Random maps, one an image. */
export function mapsOf(entries: readonly Entry[], channels: number): Map3[] {
  return entries.flatMap(({ images, width, height }, i) =>
    Array.from({ length: images }, (_, image) => {
      const data = Float64Array.from(randomValues(width * height * channels, 100 * i + image + 7));
      return { width, height, channels, data };
    }),
  );
}

export function channelsLast(maps: readonly Map3[]): Float32Array {
  const padded = maps.map(({ width, height, channels, data }) => {
    const out = new Float32Array(width * height * quads(channels));
    for (let i = 0; i < width * height; i++) out.set(data.subarray(i * channels, (i + 1) * channels), i * quads(channels));
    return out;
  });
  const all = new Float32Array(padded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of padded) {
    all.set(one, at);
    at += one.length;
  }
  return all;
}

/** The binding `maps`, for maps `x` that become `y`. */
export function mapsWords(x: readonly Entry[], y: readonly Entry[], least = 0): Uint32Array {
  const words = new Uint32Array(8 * x.length);
  let firstX = 0;
  let end = 0;
  for (const [i, from] of x.entries()) {
    const to = y[i] as Entry;
    end += to.images * to.width * to.height;
    words.set([end, firstX, from.width, from.height, to.width, to.height, 0], 8 * i);
    new Float32Array(words.buffer)[8 * i + 7] = least;
    firstX += from.images * from.width * from.height;
  }
  return words;
}
