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

describe('a style', () => {
  const pixels = (options: object, at: [number, number][]) => page.call<number[][]>('pixelsOf', scene, box, { ...NONE, ...options }, at);

  test('chooses classes, and their colours', async () => {
    const at: [number, number][] = [
      [60, 60],
      [120, 60],
    ];
    const opaque = { segmentation: true, opacity: 1 };
    expect(await pixels({ ...opaque, classes: ['hair'] }, at)).toEqual([GROUND, GROUND]);
    expect(await pixels({ ...opaque, classColours: { skin: [1, 2, 3] } }, at)).toEqual([[1, 2, 3], GROUND]);
    const both = { classes: ['background', 'skin'], classColours: { background: [9, 9, 9] } };
    expect(await pixels({ ...opaque, ...both }, at)).toEqual([
      [0, 153, 255],
      [9, 9, 9],
    ]);
  });

  test('has colours and widths', async () => {
    const at = Array.from({ length: 20 }, (_, i): [number, number] => [35 + i, 70]);
    const green = (row: number[][]) => row.filter((rgb) => String(rgb) === '0,255,0').length;
    const colours = { box: '#0f0', rim: 'transparent' };
    expect(green(await pixels({ box: true, colours, lineWidth: 1 }, at))).toBe(1);
    expect(green(await pixels({ box: true, colours, lineWidth: 6 }, at))).toBe(6);
  });

  test.each<[object, RegExp | '']>([
    [{ colours: { boxes: 'red' } }, /`colours` is "boxes". Choose from box, landmarks/],
    [{ colours: { box: 'redd' } }, /`colours.box` is "redd"; it must be a colour/],
    [{ colours: { box: [255, 0, 0] } }, /`colours.box` is Array; it must be a colour/],
    [{ colours: { box: null } }, /`colours.box` is null; it must be a colour/],
    [{ colours: { axes: 'red' } }, /`colours.axes` is "red"; it must be three colours/],
    [{ colours: { axes: ['red', 'green', 'blu'] } }, /`colours.axes` is Array; it must be three colours/],
    [{ colours: { axes: ['red', '#0f08', 'rgb(0 0 255 / 50%)'], box: undefined, text: 'transparent', rim: 'oklch(60% 0.2 20)' } }, ''],
    [{ font: '12px Arial' }, /`font` is "12px Arial"; it must be a family as CSS writes it, with no size/],
    [{ font: '' }, /`font` is ""; it must be a family/],
    [{ font: 'italic 700 "Some Sans", serif' }, ''],
  ])('of %j that the canvas would pass over is named', async (options, said) => {
    expect(await page.call<string>('refusalOf', scene, box, options)).toMatch(said);
    if (said === '') expect(await page.call<string>('refusalOf', scene, box, options)).toBe('');
  });

  test('has labels of any number of lines, and a font', async () => {
    const changed = (lines: number, options: object = {}) =>
      page.call<number[] | undefined>('changedByLabel', scene, box, { ...NONE, caption: true, fontSize: 10, ...options }, lines);
    expect(await changed(0)).toBeUndefined();
    const [one, two] = [await changed(1), await changed(2)];
    expect((two?.[3] ?? 0) - (one?.[3] ?? 0)).toBeGreaterThan(10);
    expect((await changed(1, { fontSize: 20, font: 'italic bold serif' }))?.[3]).toBeGreaterThan(one?.[3] ?? 160);
    expect(await changed(2, { caption: false })).toBeUndefined();
  });
});

describe('what apps do with faces', () => {
  test('a crop is a square about the box, clear beyond the picture, whatever the picture is', async () => {
    const face = { box: { x0: 20, y0: 0, x1: 80, y1: 40 } }; // 60 x 40 about (50, 20)
    const at: [number, number][] = [
      [2, 15],
      [28, 15],
      [5, 2],
      [5, 15],
    ];
    for (const [size, ...pixels] of await page.call<number[][][]>('cropped', face, { size: 30 }, at)) {
      expect(size).toEqual([30, 30]);
      expect(pixels).toEqual([
        [255, 255, 255, 255].map((value, i) => (i === 1 || i === 2 ? pixels[0]?.[i] : value)),
        [0, 0, 255, 255],
        [0, 0, 0, 0],
        [255, 255, 255, 255],
      ]);
    }
    const [first] = await page.call<number[][][]>('cropped', face, {}, []);
    expect(first).toEqual([[60, 60]]);
  });

  test('an aligned crop has the nose where networks for recognition want it', async () => {
    // The template, half as large, turned by a right angle: its nose lies on the white dot.
    const template = [
      [38.2946, 51.6963],
      [73.5318, 51.5014],
      [56.0252, 71.7366],
      [41.5493, 92.3655],
      [70.7299, 92.2041],
    ];
    const points = template.map(([x = 0, y = 0]) => ({ x: 29.5 - (y - 71.7366) / 2, y: 19.5 + (x - 56.0252) / 2 }));
    const crops = await page.call<number[][][]>('cropped', { box: { x0: 0, y0: 0, x1: 9, y1: 9 }, points }, { align: true }, [
      [56, 72],
      [56, 20],
    ]);
    for (const [size, nose, above] of crops) {
      expect(size).toEqual([112, 112]);
      expect(nose).toEqual([255, 255, 255, 255]);
      expect(above).toEqual([0, 0, 255, 255]); // what was to the right of the dot
    }
  });

  test('a blurred face is the mean of its pixels, in an oval or a box, under a transform too', async () => {
    const at: [number, number][] = [
      [42, 42],
      [43, 42],
      [5, 5],
      [12, 12],
    ];
    for (const scale of [1, 2]) {
      const on = at.map(([x, y]): [number, number] => [x * scale, y * scale]);
      const oval = await page.call<number[][]>('blurred', scale, {}, on);
      const whole = await page.call<number[][]>('blurred', scale, { shape: 'box', mosaic: true, patches: 4 }, on);
      for (const [grey = 0] of [oval[0], oval[1], whole[0], whole[3]] as number[][]) expect(Math.abs(grey - 127.5)).toBeLessThan(4);
      for (const [value] of [oval[2], oval[3], whole[2]] as number[][]) expect([0, 255]).toContain(value);
    }
  });

  test.each([33, 64, 65, 77])('a blurred face of %i pixels keeps nothing of a pattern of single ones', async (side) => {
    const centres = Array.from({ length: 8 }, (_, i) => 10 + Math.floor(((i + 0.5) * side) / 8));
    const at = centres.flatMap((y) => centres.map((x): [number, number] => [x, y]));
    const pixels = await page.call<number[][]>('blurred', 1, { shape: 'box', mosaic: true }, at, 1, 'none', 0, side);
    for (const [grey = 0] of pixels) expect(Math.abs(grey - 127.5)).toBeLessThan(10);
  });

  test('a blurred face is where a transform turns it to', async () => {
    const at: [number, number][] = [
      [58, 42],
      [59, 42],
      [85, 42],
      [92, 8],
      [15, 50],
    ];
    for (const options of [{}, { shape: 'box' }] as const) {
      const pixels = await page.call<number[][]>('blurred', 1, options, at, 1, 'none', Math.PI / 2); // to x 26 to 90, y 10 to 74
      for (const [grey = 0] of pixels.slice(0, 3)) expect(Math.abs(grey - 127.5)).toBeLessThan(4);
      for (const [value] of pixels.slice(3)) expect([0, 255]).toContain(value);
    }
    const [corner, middle] = await page.call<number[][]>(
      'blurred',
      1,
      { shape: 'box' },
      [
        [10, 5],
        [42, 40],
      ],
      1,
      'none',
      Math.PI / 4,
    );
    expect([0, 255]).toContain(corner?.[0]); // of the bounds of the turned box, not of it
    expect(Math.abs((middle?.[0] ?? 0) - 127.5)).toBeLessThan(4);
  });

  test('a blurred face is covered where the picture is clear in part, and whatever is drawn otherwise, and as clear as it was', async () => {
    const at: [number, number][] = [
      [42, 42],
      [43, 42],
      [5, 5],
    ];
    for (const [alpha, filter] of [
      [0.5, 'none'],
      [1, 'opacity(20%)'],
      [1, 'none'],
    ] as const) {
      const [first, second, outside] = await page.call<number[][]>('blurred', 1, { shape: 'box' }, at, alpha, filter);
      for (const [grey = 0, opacity = 0] of [first, second] as number[][]) {
        expect(Math.abs(grey - 127.5)).toBeLessThan(4);
        expect(Math.abs(opacity - 255 * alpha)).toBeLessThan(2);
      }
      expect([0, 255]).toContain(outside?.[0]);
    }
  });

  test('a mask is a bitmap of the picture, coloured where the class is', async () => {
    const [size, skin, edge, other, beyond] = await page.call<number[][]>(
      'masked',
      [255, 0, 51],
      [
        [25, 30],
        [39, 30],
        [45, 30],
        [10, 30],
      ],
    );
    expect(size).toEqual([80, 60]);
    expect(skin).toEqual([255, 0, 51, 255]);
    expect(edge?.[3]).toBeGreaterThan(200);
    expect([other, beyond]).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
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
