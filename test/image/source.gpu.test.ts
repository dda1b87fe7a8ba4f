import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleForPage } from '../../tools/browser/page.ts';
import { type OpenPage, useBrowser, where } from '../browser.ts';
import { portrait } from '../fixtures.ts';
import { png } from './files.ts';
import { cropOf, face, portraitPixels } from './fixture.ts';
import type { Pixels } from './pictures.page.ts';

const open = useBrowser();

const file = readFileSync(portrait);
const rgbOf = (rgba: Uint8Array): number[] => [...rgba.filter((_, i) => i % 4 !== 3)];
const furthest = (actual: number[], wanted: number[]): number => Math.max(...actual.map((v, i) => Math.abs(v - (wanted[i] as number))));
const ramp = (length: number, step: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * step + (i >> 3)) & 255);

/** 16 x 8 pixels of each colour type, and the RGB bytes that they mean. */
function colourTypes(): Record<string, { file: Buffer; rgb: number[] }> {
  const size = { width: 16, height: 8 };
  const [grey, rgba, palette, indices] = [ramp(128, 2), ramp(512, 7), ramp(3 * 64, 5), ramp(128, 3).map((v) => v % 64)];
  const deep = Uint8Array.from({ length: 256 }, (_, i) => (i % 2 ? 0 : (grey[i >> 1] as number)));
  const alphas = ramp(64, 4);
  const looked = [...indices].flatMap((v) => [...palette.subarray(3 * v, 3 * v + 3)]);
  return {
    grey: { file: png({ ...size, colourType: 0, bitDepth: 8, samples: grey }), rgb: [...grey].flatMap((v) => [v, v, v]) },
    'grey, 16 bits': { file: png({ ...size, colourType: 0, bitDepth: 16, samples: deep }), rgb: [...grey].flatMap((v) => [v, v, v]) },
    palette: { file: png({ ...size, colourType: 3, bitDepth: 8, samples: indices, palette }), rgb: looked },
    'palette with alpha': { file: png({ ...size, colourType: 3, bitDepth: 8, samples: indices, palette, alphas }), rgb: looked },
    'RGB with a colour profile': {
      file: png({ ...size, colourType: 2, bitDepth: 8, samples: ramp(384, 5), gamma: 1 }),
      rgb: [...ramp(384, 5)],
    },
    'RGB and alpha': { file: png({ ...size, colourType: 6, bitDepth: 8, samples: rgba }), rgb: rgbOf(rgba) },
  };
}

const types = colourTypes();
/** Firefox multiplies by alpha whatever it is asked, and rounds 16 bits down: what it then gives back is another colour. */
const exactTypes = Object.keys(types).filter((type) => where.browser !== 'firefox' || !/alpha|16 bits/.test(type));

/** Another origin; under `/open/` it gives permission. */
function foreignServer(): Promise<Server> {
  const server = createServer((request, response) => {
    const headers = request.url?.startsWith('/open/') ? { 'access-control-allow-origin': '*' } : {};
    response.writeHead(200, { 'content-type': 'image/png', ...headers }).end(file);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const routes = {
  '/turned.mp4': { body: readFileSync(new URL('./turned.mp4', import.meta.url)), type: 'video/mp4' },
  '/face.png': { body: file, type: 'image/png' },
  ...Object.fromEntries(Object.entries(types).map(([type, { file }]) => [`/${type}.png`, { body: file, type: 'image/png' }])),
};

describe('pictures', () => {
  let page: OpenPage;
  beforeAll(async () => {
    page = await open(
      "export * from './test/image/pictures.page.ts'; export * from './test/image/changed.page.ts'; export { readOriented } from './test/image/exif.page.ts';",
      routes,
    );
  });
  afterEach(() => expect(page.complaints).toEqual([]));
  afterAll(() => page?.close());

  const box = { x0: 201, y0: 77, x1: 250, y1: 119 };
  const expected = (): number[] => rgbOf(cropOf(portraitPixels(), box).data);

  it.each(['Blob', 'File', 'HTMLImageElement', 'HTMLCanvasElement', 'OffscreenCanvas', 'ImageBitmap', 'ImageData', 'raw', 'SharedPicture'])(
    'a crop of a %s is exact',
    async (kind) => {
      const { width, height, rgb } = await page.call<Pixels>('pixelsOfKind', kind, '/face.png', box);
      expect({ width, height }).toEqual({ width: 512, height: 512 });
      expect(rgb).toEqual(expected());
    },
  );

  it.each(['VideoFrame', 'HTMLVideoElement'])('a crop of a %s is the same picture, up to its colour coding', async (kind) => {
    const { width, height, rgb } = await page.call<Pixels>('pixelsOfKind', kind, '/face.png', box);
    expect({ width, height }).toEqual({ width: 512, height: 512 });
    const wanted = expected();
    const mean = rgb.reduce((sum, v, i) => sum + Math.abs(v - (wanted[i] as number)), 0) / wanted.length;
    expect(rgb.length).toBe(wanted.length);
    expect(mean).toBeLessThan(6);
  });

  it.skipIf(where.browser === 'firefox').each([
    ['webgl', 300, 300],
    ['webgl', 1280, 720],
    ['webgl2', 64, 64],
  ])('a canvas of %s, %i x %i, is read in the task that it is given in', async (kind, width, height) => {
    expect(await page.call('painted', kind, width, height)).toEqual([width, height, 200, 30, 40]);
  });

  it.each(['line', 'worker'] as const)(
    'a picture is as it was given in a statement, whatever the next one does with it: on its way by %s',
    async (by) => {
      const differ: [string, unknown][] = [];
      // Firefox has no WebGL without a GPU; Chromium reads a canvas of WebGPU back empty there, and loses its GPU by it.
      const missing = where.browser === 'firefox' ? /WebGL/ : /WebGPU/;
      for (const name of (await page.call<string[]>('changes')).filter((name) => !missing.test(name))) {
        const seen = await page
          .call<number[]>('caughtBefore', name, by)
          .catch((error: { code?: string; message: string }) => error.code ?? error.message);
        // Who gives one of these keeps it as it is, and is told where its pixels are gone.
        const isTold = /ImageBitmap|ImageData|raw/.test(name) && seen === 'BAD_PICTURE';
        if (!isTold && !(Array.isArray(seen) && furthest(seen, [40, 30, 200, 30, 40]) <= 4)) differ.push([name, seen]);
      }
      expect(differ).toEqual([]);
    },
  );

  it('a video that its file turns and stretches, as phones do, is as it is shown, whichever way it is taken', async () => {
    // FFmpeg 5.1 made it of 64 x 32 pixels of four colours: -c:v libvpx-vp9 -aspect 4:1, then -c copy -metadata:s:v rotate=90.
    const wanted = [30, 200, 40, 200, 200, 40, 200, 30, 40, 30, 40, 200];
    for (const way of await page.call<string[]>('ways')) {
      const [size, ...quarters] = await page.call<number[][]>('quartersOfVideo', '/turned.mp4', way);
      expect(size, way).toEqual(way.endsWith('smaller') ? [16, 64] : [32, 128]);
      expect(furthest(quarters.flat(), wanted), `${way}: ${quarters.join(' ')}`).toBeLessThan(48); // Firefox takes its colours for another standard's
    }
  });

  it('a picture that is made smaller is the whole of it, whatever it is', async () => {
    for (const [name, ends] of Object.entries(await page.call<Record<string, number[]>>('endsOfSmaller')))
      expect(furthest(ends, [20, 10, 200, 30, 40, 10, 20, 230]), `${name}: ${ends}`).toBeLessThan(8);
  });

  it.each(exactTypes.flatMap((type) => ['Blob', 'HTMLImageElement'].map((kind) => ({ type, kind }))))(
    '$type as $kind becomes RGB, nothing else changed',
    async ({ type, kind }) => {
      expect((await page.call<Pixels>('pixelsOfKind', kind, `/${type}.png`)).rgb).toEqual(types[type]?.rgb);
    },
  );

  it('equals PyTorch, bit for bit, whatever was uploaded before', async () => {
    const before = [
      { x0: 0, y0: 0, x1: 512, y1: 512 },
      { x0: 3, y0: 5, x1: 20, y1: 30 },
    ];
    expect(await page.call('preprocessed', 'Blob', '/face.png', [...before, face.box])).toBe(true);
    expect(new Uint8Array(page.received('resized') as Buffer)).toEqual(face.expected('resized').values);
  });

  describe('EXIF orientation', () => {
    const colours = ['#ff0000', '#00ff00', '#0000ff', '#ffff00', '#00ffff', '#ff00ff', '#ffffff', '#404040'];
    const [columns, rows] = [4, 2];
    /** Where a stored block lies in the upright picture, by the tag's definition. */
    const upright: ((x: number, y: number) => [number, number])[] = [
      (x, y) => [x, y],
      (x, y) => [columns - 1 - x, y],
      (x, y) => [columns - 1 - x, rows - 1 - y],
      (x, y) => [x, rows - 1 - y],
      (x, y) => [y, x],
      (x, y) => [rows - 1 - y, x],
      (x, y) => [rows - 1 - y, columns - 1 - x],
      (x, y) => [y, columns - 1 - x],
    ];

    it.each(['Blob', 'HTMLImageElement'].flatMap((as) => upright.map((_, i) => ({ as, orientation: i + 1 }))))(
      '$orientation of a $as is honoured, in a crop too',
      async ({ as, orientation }) => {
        const size = orientation < 5 ? [64, 32] : [32, 64];
        for (let i = 0; i < colours.length; i++) {
          const [x, y] = (upright[orientation - 1] as (x: number, y: number) => [number, number])(i % columns, Math.floor(i / columns));
          const block = { x0: x * 16 + 5, y0: y * 16 + 5, x1: x * 16 + 11, y1: y * 16 + 11 };
          const { width, height, rgb } = await page.call<Pixels>('readOriented', as, orientation, columns, rows, colours, block);
          expect([width, height]).toEqual(size);
          const wanted = Buffer.from((colours[i] as string).slice(1), 'hex');
          expect(
            furthest(
              rgb,
              rgb.map((_, j) => wanted[j % 3] as number),
            ),
          ).toBeLessThan(16);
        }
      },
    );
  });
});

describe('pictures that cannot be read', () => {
  let page: OpenPage;
  let server: Server;
  let foreign: string;
  beforeAll(async () => {
    server = await foreignServer();
    const address = server.address();
    foreign = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    page = await open("export * from './test/image/faulty.page.ts';", routes);
  });
  afterAll(async () => {
    await page?.close();
    server.close();
  });

  it('all give BAD_PICTURE, and a good one is read after them', async () => {
    const faults = await page.call<string[]>('faults');
    expect(faults.length).toBeGreaterThan(20);
    const codes: Record<string, unknown> = {};
    for (const fault of faults)
      codes[fault] = await page.call('readFaulty', fault, '/face.png', `${foreign}/face.png`).then(
        () => 'read',
        (error: { code?: string; message: string }) => error.code ?? error.message,
      );
    expect(codes).toEqual(Object.fromEntries(faults.map((fault) => [fault, 'BAD_PICTURE'])));
    expect(await page.call('readImage', '/face.png', 'anonymous')).toBe(512 * 512 * 3);
  });

  it('says how to get permission for another origin, and takes the picture with it', async () => {
    await expect(page.call('readFaulty', 'an image of another origin', '', `${foreign}/face.png`)).rejects.toThrow(/crossOrigin/);
    expect(await page.call('readImage', `${foreign}/open/face.png`, 'anonymous')).toBe(512 * 512 * 3);
  });
});

describe('in a worker', () => {
  it.each(['Blob', 'OffscreenCanvas', 'ImageBitmap', 'ImageData', 'VideoFrame', 'raw'])('a %s is read', async (kind) => {
    const source = `import { pixelsOfKind } from './test/image/pictures.page.ts';
      onmessage = ({ data }) => pixelsOfKind(...data).then((value) => postMessage({ value }), (error) => postMessage({ error: String(error) }));`;
    const asked = `export const ask = (...args) => new Promise((resolve, reject) => {
      const worker = new Worker('/worker.js', { type: 'module' });
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.value));
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(args);
    });`;
    const page = await open(asked, { ...routes, '/worker.js': { body: await bundleForPage(source), type: 'text/javascript' } });
    const box = { x0: 10, y0: 20, x1: 13, y1: 22 };
    const { rgb } = await page.call<Pixels>('ask', kind, '/face.png', box);
    const wanted = rgbOf(cropOf(portraitPixels(), box).data);
    expect(rgb.length).toBe(wanted.length);
    expect(furthest(rgb, wanted)).toBeLessThan(kind === 'VideoFrame' ? 24 : 1);
    expect(page.complaints).toEqual([]);
    await page.close();
  });
});
