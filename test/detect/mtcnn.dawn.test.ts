/** MTCNN on lavapipe, in Node: what is no face is none, whatever a picture's size, and what a search costs the GPU. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPicture } from '../../cli/picture.ts';
import { pyramid } from '../../src/detect/cascade.ts';
import { LARGEST_PICTURE, Mtcnn, searchedSize } from '../../src/detect/mtcnn.ts';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';
import { openDawn } from '../dawn.ts';
import { counting } from '../engine/count.ts';
import { expectSame, siblingDetections } from './detections.ts';
import { siblings } from './siblings.ts';
import { textures } from './textures.ts';

const { device, lacking } = await openDawn('lavapipe');

describe.skipIf(lacking)('MTCNN', () => {
  let detector: Mtcnn;
  beforeAll(async () => {
    detector = await Mtcnn.load({ weights: mtcnnWeights(), device });
  });
  afterAll(() => detector?.dispose());

  it('finds the face of a portrait', async () => {
    const [face, ...others] = await detector.detect(
      await readPicture(fileURLToPath(new URL('../fixtures/astronaut.png', import.meta.url))),
    );
    expect(face?.score).toBeGreaterThan(0.99);
    expect(others).toEqual([]);
  });

  const pictures = siblings();
  it.each(siblingDetections)("finds facenet-pytorch's faces in its order, in a picture that is $image", async ({ image, faces }) => {
    expectSame(await detector.detect(pictures[image] as (typeof pictures)[string]), faces);
  });

  it.each(['pnet', 'rnet', 'onet'])('makes no face, and leaves none out, of numbers that %s loses', async (net) => {
    const weights = Uint8Array.from(mtcnnWeights());
    const start = 8 + Number(new DataView(weights.buffer).getBigUint64(0, true));
    const infos: Record<string, { data_offsets?: [number, number] }> = JSON.parse(new TextDecoder().decode(weights.subarray(8, start)));
    // Finite themselves; what two layers make of them is not.
    for (const [name, { data_offsets: [from, to] = [0, 0] }] of Object.entries(infos))
      if (name.startsWith(net) && /conv[23]\.weight$/.test(name))
        weights.set(new Uint8Array(new Float32Array((to - from) / 4).fill(1e19).buffer), start + from);
    const lossy = await Mtcnn.load({ weights, device });
    const portrait = await readPicture(fileURLToPath(new URL('../fixtures/astronaut.png', import.meta.url)));
    await expect(lossy.detect(portrait)).rejects.toMatchObject({ code: 'GPU_ERROR', message: expect.stringMatching(/infinite or none/) });
    lossy.dispose();
  });

  // facenet-pytorch 2.5 finds nothing in any of them; those of less than 20 pixels it fails on.
  it.each(Object.entries(textures))('finds nothing in a picture of %s', async (_, picture) => {
    expect(await detector.detect(picture)).toEqual([]);
  });

  it('searches 1280 x 720 pixels in one submit a network, with fewer dispatches for the whole pyramid than a level may take', async () => {
    const size = { width: 1280, height: 720 };
    const data = new Uint8Array(4 * size.width * size.height).fill(128);
    const counts = counting();
    expect(await detector.detect({ data, ...size })).toEqual([]);
    const { submits, dispatches, passes, creates } = counts();
    expect(pyramid(size, 20).length).toBe(11);
    expect(submits).toBe(1); // no proposal, so that the second and the third network have nothing to do
    expect(passes).toBe(1);
    expect(dispatches).toBeLessThanOrEqual(30);
    counts();
    await detector.detect({ data: data.subarray(0, 4 * 640 * 720), width: 640, height: 720 });
    expect(counts().creates).toBeLessThanOrEqual(creates); // a smaller picture makes nothing anew
  });
});

describe('a large picture', () => {
  it('is searched as it is up to 16.8 megapixels, and reduced to that beyond', () => {
    expect(LARGEST_PICTURE).toBe(16_777_216);
    for (const size of [
      { width: 4096, height: 4096 },
      { width: 5000, height: 3333 },
      { width: 8192, height: 2048 },
    ])
      expect(searchedSize(size, 20, 8192)).toEqual(size);
    for (const size of [
      { width: 8000, height: 6000 },
      { width: 9000, height: 300 },
      { width: 30_000, height: 20_000 },
    ]) {
      const { width, height } = searchedSize(size, 20, 8192);
      expect(width * height).toBeLessThanOrEqual(LARGEST_PICTURE);
      expect(Math.max(width, height)).toBeLessThanOrEqual(8192);
      expect(width / height / (size.width / size.height)).toBeCloseTo(1, 1);
    }
  });
});
