/** What facenet-pytorch finds in the two pictures, test/fixtures/detections.json, and in those that are made of them, siblings.json. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Box, Point } from '../../src/image/crop.ts';

export interface Found {
  readonly box: Box;
  readonly score: number;
  readonly points: readonly Point[];
}

interface Listed {
  image: string;
  faces: { box: [number, number, number, number]; probability: number; points: [number, number][] }[];
}

const listed = (path: string): { image: string; faces: Found[] }[] =>
  (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Listed[]).map(({ image, faces }) => ({
    image,
    faces: faces.map(({ box: [x0, y0, x1, y1], probability, points }) => ({
      box: { x0, y0, x1, y1 },
      score: probability,
      points: points.map(([x, y]) => ({ x, y })),
    })),
  }));

export const detections: readonly { image: string; faces: Found[] }[] = listed('../fixtures/detections.json');
export const siblingDetections = listed('siblings.json');

/** What the official script crops of a picture, left, top, right, bottom, and the hash of the 224 x 224 RGB bytes that it makes of it. */
export const officialCrops = (image: string): { crop: number[]; sha256: string }[] =>
  (JSON.parse(readFileSync(new URL('../fixtures/official-crops.json', import.meta.url), 'utf8')) as { image: string; faces: [] }[]).find(
    (one) => one.image === image,
  )?.faces ?? [];

/** The same faces in the same order: boxes and points within half a pixel, probabilities within 1e-4. */
export function expectSame(found: readonly Found[], wanted: readonly Found[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, { box, score, points }] of wanted.entries()) {
    const one = found[i] as Found;
    const apart = (a: number, b: number) => Math.abs(a - b);
    for (const side of ['x0', 'y0', 'x1', 'y1'] as const) expect(apart(one.box[side], box[side]), `face ${i}, ${side}`).toBeLessThan(0.5);
    expect(apart(one.score, score), `face ${i}, probability`).toBeLessThan(1e-4);
    for (const [k, { x, y }] of points.entries()) {
      expect(apart(one.points[k]?.x ?? Number.NaN, x), `face ${i}, point ${k}`).toBeLessThan(0.5);
      expect(apart(one.points[k]?.y ?? Number.NaN, y), `face ${i}, point ${k}`).toBeLessThan(0.5);
    }
  }
}
