import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MtcnnFace } from '../../src/detect/mtcnn.ts';
import { checkBox, type Size, widen } from '../../src/image/crop.ts';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';
import { type OpenPage, useBrowser } from '../browser.ts';
import { detections, expectSame, officialCrops } from './detections.ts';

const open = useBrowser();
const fixture = (name: string) => ({ file: fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url)) });

const SIZES: Readonly<Record<string, Size>> = { 'astronaut.png': { width: 512, height: 512 }, 'group.png': { width: 960, height: 640 } };

interface Reply {
  faces: MtcnnFace[];
  counts: { pipelines: number; submits: number; dispatches: number };
}

describe('MTCNN on the GPU', () => {
  let page: OpenPage;
  beforeAll(async () => {
    page = await open("export * from './test/detect/mtcnn.page.ts';", {
      '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' },
      '/astronaut.png': fixture('astronaut.png'),
      '/group.png': fixture('group.png'),
    });
    await page.call('load');
  });

  it.for(detections)(
    "finds facenet-pytorch's faces in $image, in its order, and compiles nothing for another size",
    async ({ image, faces }) => {
      const reply = await page.call<Reply>('detect', `/${image}`);
      expectSame(reply.faces, faces);
      const crops = reply.faces.map(({ box }) => Object.values(checkBox(widen(box, SIZES[image] as Size), SIZES[image] as Size)));
      expect(crops).toEqual(officialCrops(image).map(({ crop }) => crop));
      // One submit a network with its stamp, and four dispatches for a whole pyramid.
      expect(reply.counts).toEqual({ pipelines: 0, submits: 3, dispatches: 4 + 6 + 7 + 3 });
    },
  );

  it('finds nothing where nothing is', async () => {
    const found = await page.call<number[]>('plain', [
      [1, 1],
      [11, 300],
      [19, 19],
      [64, 48],
    ]);
    expect(found).toEqual(found.map(() => 0));
  });

  it('finds the face of a picture wider than a texture', async () => {
    const [box] = await page.call<MtcnnFace['box'][]>('large', '/astronaut.png', 9000, 300);
    const [portrait] = detections.find(({ image }) => image === 'astronaut.png')?.faces ?? [];
    const at = (side: number) => 8700 + (side * 300) / 512;
    expect(Math.abs((box?.x0 ?? 0) - at(portrait?.box.x0 ?? 0))).toBeLessThan(6);
    expect(Math.abs((box?.x1 ?? 0) - at(portrait?.box.x1 ?? 0))).toBeLessThan(6);
  });

  it('says what it does not take, and goes on', async () => {
    expect(await page.call('refused')).toEqual({
      'unknown option': 'BAD_OPTION',
      'no size': 'BAD_OPTION',
      'no threshold': 'BAD_OPTION',
      'no number of faces': 'BAD_OPTION',
      'no order': 'BAD_OPTION',
      'no picture': 'BAD_PICTURE',
      aborted: 'ABORTED',
      'wrong weights': 'BAD_WEIGHTS_FILE',
      'after dispose': 'DISPOSED',
    });
    expect(page.complaints).toEqual([]);
  });
});
