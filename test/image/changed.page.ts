/** In the page: pictures that change, go away or are closed in the statement after the one that gave them. */
import { caught } from '../../src/image/caught.ts';
import { SharedPicture } from '../../src/image/shared.ts';
import type { Picture, PictureSource } from '../../src/image/source.ts';
import { openFrames } from '../../src/video/frames.ts';
import { carried } from '../../src/worker/carry.ts';
import { fetched, pixelsOf } from './pictures.page.ts';

interface Given {
  readonly source: PictureSource;
  /** What the app does next. */
  change(): unknown;
}

const [WIDTH, HEIGHT] = [40, 30];
const RED = 'rgb(200, 30, 40)';
const BLUE = 'rgb(10, 20, 230)';

function canvasOf<Canvas extends HTMLCanvasElement | OffscreenCanvas>(canvas: Canvas): Canvas {
  Object.assign(canvas, { width: WIDTH, height: HEIGHT });
  if ('append' in canvas) document.body.append(canvas);
  return canvas;
}

function paint(canvas: HTMLCanvasElement | OffscreenCanvas, colour: string): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.fillStyle = colour;
  context.fillRect(0, 0, canvas.width, canvas.height);
}

function painted<Canvas extends HTMLCanvasElement | OffscreenCanvas>(empty: Canvas): Canvas {
  const canvas = canvasOf(empty);
  paint(canvas, RED);
  return canvas;
}

const element = () => document.createElement('canvas');
const offscreen = () => new OffscreenCanvas(WIDTH, HEIGHT);
const bitmap = () => createImageBitmap(painted(offscreen()));

function imageData(): ImageData {
  const context = painted(offscreen()).getContext('2d') as OffscreenCanvasRenderingContext2D;
  return context.getImageData(0, 0, WIDTH, HEIGHT);
}

async function address(colour: string): Promise<string> {
  const canvas = offscreen();
  paint(canvas, colour);
  return URL.createObjectURL(await canvas.convertToBlob());
}

async function image(attribute: 'src' | 'srcset'): Promise<{ source: HTMLImageElement; other: string }> {
  const source = new Image();
  const [red, other] = [await address(RED), await address(BLUE)];
  source[attribute] = red;
  await new Promise((resolve) => source.addEventListener('load', resolve));
  return { source, other };
}

function webgl(): { source: HTMLCanvasElement; gl: WebGLRenderingContext } {
  const source = canvasOf(element());
  const gl = source.getContext('webgl') as WebGLRenderingContext;
  gl.clearColor(200 / 255, 30 / 255, 40 / 255, 1);
  gl.clear(gl.COLOR_BUFFER_BIT);
  return { source, gl };
}

/** It is in no document, where Firefox without a GPU does not survive what it shows. */
async function webgpu(): Promise<HTMLCanvasElement> {
  const device = await (await navigator.gpu.requestAdapter())?.requestDevice();
  if (!device) throw new Error('no WebGPU');
  const source = Object.assign(element(), { width: WIDTH, height: HEIGHT });
  const context = source.getContext('webgpu') as GPUCanvasContext;
  context.configure({ device, format: 'rgba8unorm', alphaMode: 'opaque' });
  const encoder = device.createCommandEncoder();
  const view = context.getCurrentTexture().createView();
  const red = [200 / 255, 30 / 255, 40 / 255, 1];
  encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store', clearValue: red }] }).end();
  device.queue.submit([encoder.finish()]);
  return source;
}

async function video(): Promise<{ source: HTMLVideoElement; canvas: HTMLCanvasElement }> {
  const canvas = painted(element());
  const source = document.createElement('video');
  source.muted = true;
  source.srcObject = canvas.captureStream(30);
  await source.play();
  return { source, canvas };
}

const GIVEN: Readonly<Record<string, () => Promise<Given>>> = {
  async 'a canvas that is painted over'() {
    const source = painted(element());
    return { source, change: () => paint(source, BLUE) };
  },
  async 'a canvas that gets another size'() {
    const source = painted(element());
    return { source, change: () => Object.assign(source, { width: 3, height: 3 }) };
  },
  async 'a canvas of WebGL that keeps no pixels'() {
    return { source: webgl().source, change: () => {} };
  },
  async 'a canvas of WebGL that is cleared'() {
    const { source, gl } = webgl();
    const change = () => {
      gl.clearColor(0, 0, 1, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
    };
    return { source, change };
  },
  async 'a canvas of WebGPU that keeps no pixels'() {
    return { source: await webgpu(), change: () => {} };
  },
  async 'a canvas whose bitmap is taken off'() {
    const source = canvasOf(element());
    const context = source.getContext('bitmaprenderer') as ImageBitmapRenderingContext;
    context.transferFromImageBitmap(await bitmap());
    return { source, change: () => context.transferFromImageBitmap(null) };
  },
  async 'an OffscreenCanvas whose picture is taken out'() {
    const source = painted(offscreen());
    return { source, change: () => source.transferToImageBitmap() };
  },
  async 'an OffscreenCanvas that is painted over'() {
    const source = painted(offscreen());
    return { source, change: () => paint(source, BLUE) };
  },
  async 'a canvas that a worker paints'() {
    const source = canvasOf(element());
    const drawn = source.transferControlToOffscreen();
    paint(drawn, RED);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { source, change: () => {} };
  },
  async 'an image that gets another address'() {
    const { source, other } = await image('src');
    return { source, change: () => Object.assign(source, { src: other }) };
  },
  async 'an image whose srcset changes'() {
    const { source, other } = await image('srcset');
    return { source, change: () => Object.assign(source, { srcset: other }) };
  },
  async 'an image that loses its address'() {
    const { source } = await image('src');
    return { source, change: () => source.removeAttribute('src') };
  },
  async 'a VideoFrame that is closed'() {
    const source = new VideoFrame(painted(offscreen()), { timestamp: 0 });
    return { source, change: () => source.close() };
  },
  async 'a VideoFrame in BGRX'() {
    const data = new Uint8Array(4 * WIDTH * HEIGHT);
    for (let i = 0; i < data.length; i += 4) data.set([40, 30, 200, 0], i);
    const source = new VideoFrame(data, { format: 'BGRX', codedWidth: WIDTH, codedHeight: HEIGHT, timestamp: 0 });
    return { source, change: () => source.close() };
  },
  async 'a VideoFrame in BGRA'() {
    const data = new Uint8Array(4 * WIDTH * HEIGHT);
    for (let i = 0; i < data.length; i += 4) data.set([40, 30, 200, 255], i);
    const source = new VideoFrame(data, { format: 'BGRA', codedWidth: WIDTH, codedHeight: HEIGHT, timestamp: 0 });
    return { source, change: () => source.close() };
  },
  async 'a video that shows something else'() {
    const { source, canvas } = await video();
    return { source, change: () => paint(canvas, BLUE) };
  },
  async 'a video that loses its source'() {
    const { source } = await video();
    return { source, change: () => Object.assign(source, { srcObject: null }) };
  },
  async 'an ImageBitmap that is closed'() {
    const source = await bitmap();
    return { source, change: () => source.close() };
  },
  async 'an ImageBitmap that is given away'() {
    const source = await bitmap();
    return { source, change: () => structuredClone(source, { transfer: [source] }) };
  },
  async 'ImageData that is given away'() {
    const source = imageData();
    return { source, change: () => structuredClone(source.data.buffer, { transfer: [source.data.buffer] }) };
  },
  async 'raw pixels that are given away'() {
    const { data } = imageData();
    return { source: { data, width: WIDTH, height: HEIGHT }, change: () => structuredClone(data.buffer, { transfer: [data.buffer] }) };
  },
  async 'a Blob'() {
    return { source: await fetched(await address(RED)), change: () => {} };
  },
  async 'a canvas whose WebGL is lost'() {
    const { source, gl } = webgl();
    return { source, change: () => gl.getExtension('WEBGL_lose_context')?.loseContext() };
  },
};

export const changes = (): string[] => Object.keys(GIVEN);

/** Size and middle pixel of what was caught, two tasks and a frame after the picture changed. `by` an engine's line, or on its way to a worker. */
export async function caughtBefore(name: string, by: 'line' | 'worker'): Promise<number[]> {
  const { source, change } = await (GIVEN[name] as () => Promise<Given>)();
  const line = by === 'line' ? caught(source) : undefined;
  const crossing = by === 'worker' ? carried(source) : undefined;
  crossing?.catch(() => {});
  change();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => requestAnimationFrame(resolve));
  try {
    const shown = line ? again(await line.open()) : (await crossing)?.value;
    const { width, height, rgb } = await pixelsOf(shown as PictureSource);
    return [width, height, ...rgb.slice(3 * (width * (height >> 1) + (width >> 1))).slice(0, 3)];
  } finally {
    line?.close();
  }
}

/** What was opened, as a picture that can be opened. */
const again = (picture: Picture) => ({ ...picture, opened: () => picture }) as unknown as PictureSource;

/** A picture that is read, and what has to be closed then. */
interface Taken {
  readonly picture: PictureSource | undefined;
  readonly open: { close?(): void } | undefined;
}

/** The ways in which a video's frame comes to a network. */
const WAYS: Readonly<Record<string, (video: HTMLVideoElement) => Promise<Taken>>> = {
  'as it is': async (video) => ({ picture: video, open: undefined }),
  async caught(video) {
    const open = caught(video);
    return { picture: again(await open.open()), open };
  },
  async 'caught, and its frame let go'(video) {
    const open = caught(video);
    open.settle();
    return { picture: again(await open.open()), open };
  },
  async 'caught, smaller'(video) {
    const open = caught(video);
    return { picture: again(await (await open.open()).resized({ width: 16, height: 64 })), open };
  },
  async shared(video) {
    const picture = await SharedPicture.open(video);
    return { picture, open: picture };
  },
  async 'on its way to a worker'(video) {
    const picture = (await carried(video)).value as VideoFrame;
    return { picture, open: picture };
  },
  async 'as one that is followed'(video) {
    const frames = openFrames(video);
    const frame = await frames.next();
    frames.stop();
    if (frame && (frame.width !== video.videoWidth || frame.height !== video.videoHeight))
      throw new Error(`${frame.width} x ${frame.height}`);
    return { picture: frame?.picture, open: frame };
  },
};

/** Size and the colours at both ends of a picture that is blue on its right, once it is smaller: of a canvas and what is made of one. */
export async function endsOfSmaller(): Promise<Record<string, number[]>> {
  const painted = () => {
    const canvas = offscreen();
    paint(canvas, RED);
    const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
    context.fillStyle = BLUE;
    context.fillRect(WIDTH / 2, 0, WIDTH / 2, HEIGHT);
    return canvas;
  };
  const made: Record<string, PictureSource> = {
    OffscreenCanvas: painted(),
    'an ImageBitmap': await createImageBitmap(painted()),
    'an ImageBitmap that was taken out': painted().transferToImageBitmap(),
    'a VideoFrame': new VideoFrame(painted(), { timestamp: 0 }),
    'a Blob': await painted().convertToBlob(),
    ImageData: (painted().getContext('2d') as OffscreenCanvasRenderingContext2D).getImageData(0, 0, WIDTH, HEIGHT),
  };
  const ends = Object.entries(made).map(async ([name, source]): Promise<[string, number[]]> => {
    const open = caught(source);
    const { width, height, rgb } = await pixelsOf(again(await (await open.open()).resized({ width: 20, height: 10 })));
    for (const one of [open, source as { close?(): void }]) one.close?.();
    return [name, [width, height, ...rgb.slice(0, 3), ...rgb.slice(3 * 19, 3 * 20)]];
  });
  return Object.fromEntries(await Promise.all(ends));
}

export const ways = (): string[] => Object.keys(WAYS);

/** Size and the colours of the four quarters, row by row, of a video that is played from a file. */
export async function quartersOfVideo(address: string, way: string): Promise<number[][]> {
  const video = document.createElement('video');
  Object.assign(video, { muted: true, src: address });
  await video.play();
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  video.pause();
  const take = WAYS[way];
  if (!take) throw new Error(`no way ${way}`);
  const { picture, open } = await take(video);
  const { width, height, rgb } = await pixelsOf(picture as PictureSource);
  open?.close?.();
  const at = (x: number, y: number) => 3 * (Math.floor(y * height) * width + Math.floor(x * width));
  const quarters = [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)];
  return [[width, height], ...quarters.map((place) => rgb.slice(place, place + 3))];
}
