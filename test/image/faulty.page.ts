/** In the page: pictures that cannot be read, one maker per fault. */
import type { PictureSource } from '../../src/image/source.ts';
import { fetched, image, pixelsOf } from './pictures.page.ts';

export { pixelsOf } from './pictures.page.ts';

async function taintedCanvas(foreign: string): Promise<HTMLCanvasElement> {
  const canvas = document.createElement('canvas');
  canvas.getContext('2d')?.drawImage(await image(foreign), 0, 0);
  return canvas;
}

function broken(): Promise<HTMLImageElement> {
  const element = new Image();
  return new Promise((resolve) => {
    element.onerror = () => resolve(element);
    element.src = 'data:image/png;base64,AAAA';
  });
}

const closed = <Kind extends { close(): void }>(source: Kind): Kind => {
  source.close();
  return source;
};

/** `own` is a good picture's address, `foreign` one of another origin without permission. */
const FAULTS: Record<string, (own: string, foreign: string) => Promise<unknown>> = {
  nothing: async () => undefined,
  null: async () => null,
  'an address where nothing is': async () => '/nothing.png',
  'an element that is no picture': async () => document.createElement('div'),
  'an empty file': async () => new Blob([]),
  'a text file': async () => new Blob(['<!doctype html><title>404</title>'], { type: 'image/png' }),
  'a file that ends before its first row': async (own) => (await fetched(own)).slice(0, 40),
  'an image without a source': async () => new Image(),
  'an image that is still loading': async (own) => Object.assign(new Image(), { src: `${own}?${Math.random()}` }),
  'an image that did not decode': broken,
  'an image of another origin': async (_, foreign) => image(foreign),
  'a canvas that another origin tainted': async (_, foreign) => taintedCanvas(foreign),
  'a bitmap of another origin': async (_, foreign) => createImageBitmap(await image(foreign)),
  'a canvas of no size': async () => Object.assign(document.createElement('canvas'), { width: 0 }),
  'an OffscreenCanvas given away': async () => {
    const canvas = new OffscreenCanvas(4, 4);
    structuredClone(canvas, { transfer: [canvas] });
    return canvas;
  },
  'a closed bitmap': async (own) => closed(await createImageBitmap(await fetched(own))),
  'a closed frame': async (own) => closed(new VideoFrame(await image(own), { timestamp: 0 })),
  'ImageData given away': async () => {
    const data = new ImageData(4, 4);
    structuredClone(data.data.buffer, { transfer: [data.data.buffer] });
    return data;
  },
  'a video without a source': async () => document.createElement('video'),
  'a video that does not decode': async () => Object.assign(document.createElement('video'), { src: 'data:video/mp4;base64,AAAA' }),
  'raw pixels of the wrong length': async () => ({ data: new Uint8Array(15), width: 2, height: 2 }),
  'raw pixels in floats': async () => ({ data: new Float32Array(16), width: 2, height: 2 }),
  'raw pixels without a size': async () => ({ data: new Uint8Array(0), width: 0, height: 0 }),
  'raw pixels of a broken size': async () => ({ data: new Uint8Array(12), width: 1.5, height: 2 }),
};

export const faults = (): string[] => Object.keys(FAULTS);

/** Ends in the error that the picture deserves. */
export async function readFaulty(fault: string, own: string, foreign: string): Promise<void> {
  const make = FAULTS[fault];
  if (!make) throw new Error(`no fault ${fault}`);
  await pixelsOf((await make(own, foreign)) as PictureSource);
}

export async function readImage(url: string, crossOrigin: string): Promise<number> {
  return (await pixelsOf(await image(url, crossOrigin))).rgb.length;
}
