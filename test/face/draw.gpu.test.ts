/** Drawing, pixel by pixel, in the browser's own canvas. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';

const open = useBrowser();
const NONE = { segmentation: false, landmarks: false, headpose: false, box: false, caption: false };
const box = { x0: 40, y0: 20, x1: 140, y1: 120 };
const scene = { width: 200, height: 160, ground: 'rgb(200, 100, 40)' };
const GROUND = [200, 100, 40];

let page: OpenPage;
beforeAll(async () => {
  page = await open("export * from './test/face/draw.page.ts'");
});
afterAll(() => page?.close());

const near = (actual: number[], expected: readonly number[]) => {
  actual.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number)), `${actual} is not ${expected}`).toBeLessThanOrEqual(1);
  });
};

describe('parsing colours', () => {
  const pixels = (opacity: number, at: [number, number][]) =>
    page.call<number[][]>('pixelsOf', scene, box, { ...NONE, segmentation: true, opacity }, at);

  test('are mixed half and half over the crop, and background and the rest of the picture stay', async () => {
    const [skin, lastSkin, background, outside, below] = await pixels(0.5, [
      [40, 20],
      [89, 119],
      [90, 60],
      [39, 60],
      [60, 120],
    ]);
    near(skin as number[], [100, 126.5, 147.5]);
    near(lastSkin as number[], [100, 126.5, 147.5]);
    expect([background, outside, below]).toEqual([GROUND, GROUND, GROUND]);
  });

  test('opacity is the share of the colour', async () => {
    near((await pixels(1, [[60, 60]]))[0] as number[], [0, 153, 255]);
    near((await pixels(0.25, [[60, 60]]))[0] as number[], [150, 113.25, 93.75]);
  });
});

describe('pose axes', () => {
  const axes = (matrix?: number[]) =>
    page.call<number[][]>(
      'pixelsOf',
      scene,
      box,
      { ...NONE, headpose: true },
      [
        [110, 70],
        [90, 90],
        [70, 70],
        [90, 50],
      ],
      matrix,
    );

  test('a face that looks straight on: x to the right, y down, z unseen', async () => {
    const [right, down, left, up] = await axes();
    near(right as number[], [255, 69, 58]);
    near(down as number[], [50, 215, 75]);
    expect([left, up]).toEqual([GROUND, GROUND]);
  });

  test('columns of the matrix are the axes: a yaw of a quarter shows z to the right', async () => {
    const [right, down, left] = await axes([0, 0, 1, 0, 1, 0, -1, 0, 0]);
    near(right as number[], [10, 132, 255]);
    near(down as number[], [50, 215, 75]);
    expect(left).toEqual(GROUND);
  });
});

describe('lines and text', () => {
  const changed = (options: object, where: object = scene, face = box) =>
    page.call<number[] | undefined>('changed', where, face, { ...NONE, ...options });

  test('the box is drawn inside of its pixels', async () => {
    expect(await changed({ box: true })).toEqual([40, 20, 140, 120]);
  });

  test('landmarks at the middle of the crop are round its middle', async () => {
    const [left = 0, top = 0, right = 0, bottom = 0] = (await changed({ landmarks: true })) ?? [];
    expect([(left + right) / 2, (top + bottom) / 2]).toEqual([90, 70]);
    expect(right - left).toBeLessThan(8);
  });

  test('nothing asked, nothing drawn', async () => {
    expect(await changed({})).toBeUndefined();
  });

  test('the caption is under the box, and inside of the canvas where the box ends with it', async () => {
    expect((await changed({ caption: true }))?.slice(0, 2)).toEqual([40, 120]);
    const [left = 0, , right = 0, bottom = 0] = (await changed({ caption: true }, scene, { x0: 150, y0: 20, x1: 200, y1: 160 })) ?? [];
    expect([left >= 0, right, bottom]).toEqual([true, 200, 160]);
  });

  test('line widths grow with the face, and are at least a canvas pixel under any transform', async () => {
    const width = async (where: object, face: object) => {
      const at = Array.from({ length: 60 }, (_, i) => [i, 80]);
      const row = await page.call<number[][]>('pixelsOf', where, face, { ...NONE, box: true }, at);
      return row.filter(([red = 0]) => red > 225).length;
    };
    const whole = { x0: 0, y0: 0, x1: 200, y1: 160 };
    expect(await width({ ...scene, ground: '#000' }, whole)).toBe(1);
    expect(await width({ width: 2000, height: 1600, ground: '#000' }, { x0: 0, y0: 0, x1: 2000, y1: 1600 })).toBeGreaterThanOrEqual(6);
    expect(await width({ ...scene, scale: 4, ground: '#000' }, whole)).toBeGreaterThanOrEqual(2);
  });

  test('the context is left as it was', async () => {
    expect(await page.call('stateKept')).toBe(true);
    expect(page.complaints).toEqual([]);
  });
});
