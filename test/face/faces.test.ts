import { describe, expect, it } from 'vitest';
import { readConfig, tensorsOf } from '../../src/face/config.ts';
import { facesOf } from '../../src/face/faces.ts';
import type { Plan } from '../../src/graph/plan.ts';
import type { Box } from '../../src/image/crop.ts';

const config = readConfig(tensorsOf('released'));
const box = (x0: number): Box => ({ x0, y0: 0, x1: x0 + 100, y1: 100 });
const plan = { readbacks: [{ name: 'gender', shape: [1, 2] }] } as unknown as Plan;
const PIXELS = 224 * 224;

/** Results of several images: two logits of gender, the second the higher in every other image, and a mask of one class. */
function results(images: number): Map<string, ArrayBuffer> {
  const gender = Float32Array.from({ length: 2 * images }, (_, i) => (i % 2 === Math.floor(i / 2) % 2 ? 3 : -3));
  const mask = Uint8Array.from({ length: PIXELS * images }, (_, i) => Math.floor(i / PIXELS) + 1);
  return new Map([
    ['gender', gender.buffer],
    ['mask', mask.buffer],
  ]);
}

describe('facesOf', () => {
  it('gives every image its part of each tensor, and its own crop', async () => {
    const crops = [box(0), box(50), box(7)];
    const faces = facesOf(crops, plan, results(3), config, { raw: true });
    expect(faces.map((face) => face.box)).toEqual(crops);
    const [first, second, third] = faces.map(({ gender }) => gender?.label);
    expect([first === second, first === third]).toEqual([false, true]);
    expect(faces.map(({ segmentation }) => [...new Set(segmentation?.classes)])).toEqual([[1], [2], [3]]);
    expect(faces.map(({ raw }) => [...(raw?.['output.gender']?.data ?? [])])).toEqual([
      [3, -3],
      [-3, 3],
      [3, -3],
    ]);
  });

  it('gives one image everything', async () => {
    const [face] = facesOf([box(0)], plan, results(1), config, {});
    expect(face?.segmentation?.classes).toHaveLength(PIXELS);
    expect(face).not.toHaveProperty('raw');
  });
});
