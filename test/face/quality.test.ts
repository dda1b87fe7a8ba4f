/** What is said of a face's quality, on faces of which it is known. */
import { describe, expect, it } from 'vitest';
import { matrixOf } from '../../src/face/pose.ts';
import { faceQuality, VISIBILITY_REGIONS } from '../../src/face/quality.ts';
import type { Face } from '../../src/face/results.ts';
import { type Box, checkBox, widen, widenToSquare } from '../../src/image/crop.ts';

const picture = { width: 400, height: 300 };
const detectedAt = (detected: Box): Face => ({ box: checkBox(widen(detected, picture), picture), detected, source: 'detector', score: 1 });
const degrees = (value: number) => (value * Math.PI) / 180;

function posed(pitch: number, yaw: number, roll: number): Face {
  const radians = { pitch: degrees(pitch), yaw: degrees(yaw), roll: degrees(roll) };
  return { box: { x0: 0, y0: 0, x1: 9, y1: 9 }, headpose: { pitch, yaw, roll, radians, matrix: matrixOf(radians) } };
}

describe('quality', () => {
  it('tells the size of the face, not of the widened box, and how much of it the network saw', () => {
    const { size, detail } = faceQuality(detectedAt({ x0: 100, y0: 80, x1: 200, y1: 192 }), picture);
    expect([size, detail]).toEqual([100, 150 / 224]);
    const given = faceQuality({ box: { x0: 100, y0: 50, x1: 250, y1: 218 }, source: 'given' }, picture);
    expect(given.size).toBeCloseTo(100);
    const low = faceQuality({ box: { x0: 100, y0: 50, x1: 268, y1: 200 }, source: 'given' }, picture);
    expect([low.size, low.detail]).toEqual([expect.closeTo(100), 150 / 224]);
    expect(faceQuality({ box: { x0: 0, y0: 0, x1: 400, y1: 300 }, source: 'whole' }, picture).size).toBe(300);
  });

  it('tells how far it is turned away, whichever way, and a tilt is none', () => {
    for (const [pose, turned] of [
      [posed(0, 0, 0), 0],
      [posed(0, 0, 40), 0],
      [posed(0, -30, 0), 30],
      [posed(20, 0, 10), 20],
      [posed(0, 90, 0), 90],
    ] as const)
      expect(faceQuality(pose).turned).toBeCloseTo(turned, 5);
    expect(faceQuality({ box: posed(0, 0, 0).box })).not.toHaveProperty('turned');
  });

  it.each<[string, Box, Partial<Record<'left' | 'top' | 'right' | 'bottom', number>>]>([
    ['none', { x0: 100, y0: 80, x1: 200, y1: 180 }, {}],
    ['the left', { x0: -25, y0: 80, x1: 75, y1: 180 }, { left: 0.25 }],
    ['the top', { x0: 100, y0: -10, x1: 200, y1: 90 }, { top: 0.1 }],
    ['the right', { x0: 350, y0: 80, x1: 450, y1: 180 }, { right: 0.5 }],
    ['the corner below', { x0: 320, y0: 240, x1: 420, y1: 340 }, { right: 0.2, bottom: 0.4 }],
    ['the left, of a face that is not cut', { x0: 10, y0: 80, x1: 110, y1: 180 }, {}],
    ['the margin alone', { x0: 295, y0: 195, x1: 395, y1: 295 }, {}],
  ])('tells what an edge cuts off, with the picture and without: %s', (_, detected, parts) => {
    const cut = { left: 0, top: 0, right: 0, bottom: 0, ...parts };
    for (const { cut: said } of [faceQuality(detectedAt(detected), picture), faceQuality(detectedAt(detected))])
      for (const side of ['left', 'top', 'right', 'bottom'] as const) expect(said[side], side).toBeCloseTo(cut[side]);
  });

  it('of a face that is followed is seen by its place, whether or not the detector looked, and however its crop was cut', () => {
    const place = { x0: -40, y0: 80, x1: 60, y1: 200 };
    const looked = { ...detectedAt(place), place };
    const { detected: _, score: __, ...between } = { ...looked, source: 'given' as const };
    const square = { ...between, box: checkBox(widenToSquare(place, picture), picture) };
    for (const face of [looked, between, square]) {
      const { size, cut } = faceQuality(face, picture);
      expect([size, cut]).toEqual([100, { left: 0.4, top: 0, right: 0, bottom: 0 }]);
    }
  });

  it('is of no face whose angles or probabilities are none, or lack: JSON writes null for what is no number', () => {
    const box = { x0: 0, y0: 0, x1: 9, y1: 9 };
    const { headpose } = posed(0, 30, 0);
    const points = Array.from({ length: 29 }, (_, index) => ({ index, probability: 0.9, occluded: true }));
    for (const wrong of [null, '0.5', undefined] as never[]) {
      const matrix = headpose?.matrix.with(8, wrong) as never;
      expect(() => faceQuality({ box, headpose: { ...(headpose as NonNullable<Face['headpose']>), matrix } })).toThrow(/faceQuality/);
      expect(() =>
        faceQuality({ box, visibility: points.with(20, { ...(points[20] as (typeof points)[number]), probability: wrong }) }),
      ).toThrow(/faceQuality/);
    }
    expect(() => faceQuality({ box, visibility: points.slice(0, 28) })).toThrow(/faceQuality/);
    expect(faceQuality({ box, visibility: points }).occluded).toBeCloseTo(0.9);
  });

  it('tells what is hidden by region, each of the 29 points in one', () => {
    const points = Object.values(VISIBILITY_REGIONS).flat();
    expect(points.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 29 }, (_, i) => i));
    const hidden: readonly number[] = [...VISIBILITY_REGIONS.mouth, 28, 20];
    const visibility = Array.from({ length: 29 }, (_, index) => {
      const probability = hidden.includes(index) ? 1 : 0;
      return { index, probability, occluded: probability === 1 };
    });
    const { occlusion, occluded } = faceQuality({ box: { x0: 0, y0: 0, x1: 9, y1: 9 }, visibility });
    expect(occlusion).toEqual({ 'left eyebrow': 0, 'right eyebrow': 0, 'left eye': 0, 'right eye': 0, nose: 0.25, mouth: 1, chin: 1 });
    expect(occluded).toBeCloseTo(8 / 29);
  });
});
