/** What the official script gives the network, with facenet-pytorch, PIL and torchvision: fixtures/official-crops.json has its crops and their hashes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { checkBox, widen } from '../../src/image/crop.ts';
import { axis } from '../../src/image/resize.ts';
import { cropOf } from '../image/fixture.ts';
import { resizePixels } from '../image/pillow.ts';
import { detections, officialCrops } from './detections.ts';

it.for(detections)('widens, crops and resizes the faces of $image to the bytes of PyTorch and PIL', ({ image, faces }) => {
  const { data, width, height } = PNG.sync.read(readFileSync(new URL(`../fixtures/${image}`, import.meta.url)));
  const expected = officialCrops(image);
  expect(faces.length).toBe(expected.length);
  for (const [i, { box }] of faces.entries()) {
    const crop = checkBox(widen(box, { width, height }), { width, height });
    expect([crop.x0, crop.y0, crop.x1, crop.y1]).toEqual(expected[i]?.crop);
    const pixels = cropOf({ data: new Uint8Array(data), width, height }, crop);
    const resized = resizePixels(pixels.data, axis(pixels.width), axis(pixels.height));
    expect(createHash('sha256').update(resized).digest('hex')).toBe(expected[i]?.sha256);
  }
});
