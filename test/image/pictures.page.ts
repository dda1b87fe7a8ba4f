/** In the page or in a worker: pictures of every kind, opened and read back through the GPU. */

import { type Box, checkBox, wholePicture } from '../../src/image/crop.ts';
import { Preprocess } from '../../src/image/preprocess.ts';
import { SIZE } from '../../src/image/resize.ts';
import { SharedPicture } from '../../src/image/shared.ts';
import { openPicture, type PictureSource, type RawPicture } from '../../src/image/source.ts';
import { resize, unpackRgb } from '../../src/kernels/resize.ts';
import { runKernel } from '../kernels/run.ts';

let made: Promise<GPUDevice> | undefined;

function device(): Promise<GPUDevice> {
  made ??= (async () => {
    const adapter = await navigator.gpu.requestAdapter();
    if (!adapter) throw new Error('no adapter');
    return adapter.requestDevice();
  })();
  return made;
}

export interface Pixels {
  width: number;
  height: number;
  /** RGB of the crop, row by row. */
  rgb: number[];
}

/** What `Picture.copyTo` puts on the GPU, read back. */
export async function pixelsOf(source: PictureSource, box?: Box): Promise<Pixels> {
  const gpu = await device();
  const picture = await openPicture(source);
  const crop = checkBox(box ?? wholePicture(picture), picture);
  const [width, height] = [crop.x1 - crop.x0, crop.y1 - crop.y0];
  const usage = GPUTextureUsage.COPY_SRC | GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT;
  const texture = gpu.createTexture({ size: [width + 3, height + 5], format: 'rgba8unorm', usage });
  try {
    await picture.copyTo(texture, crop, gpu);
    const rgba = await readTexture(gpu, texture, width, height);
    return { width: picture.width, height: picture.height, rgb: [...rgba.filter((_, i) => i % 4 !== 3)] };
  } finally {
    picture.close();
    texture.destroy();
  }
}

async function readTexture(gpu: GPUDevice, texture: GPUTexture, width: number, height: number): Promise<Uint8Array> {
  const bytesPerRow = Math.ceil((width * 4) / 256) * 256;
  const buffer = gpu.createBuffer({ size: bytesPerRow * height, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = gpu.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
  gpu.queue.submit([encoder.finish()]);
  await buffer.mapAsync(GPUMapMode.READ);
  const rows = new Uint8Array(buffer.getMappedRange());
  const out = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) out.set(rows.subarray(y * bytesPerRow, y * bytesPerRow + width * 4), y * width * 4);
  buffer.destroy();
  return out;
}

export async function fetched(url: string): Promise<Blob> {
  return (await fetch(url)).blob();
}

export async function image(url: string, crossOrigin?: string): Promise<HTMLImageElement> {
  const element = new Image();
  if (crossOrigin) element.crossOrigin = crossOrigin;
  element.src = url;
  await element.decode();
  return element;
}

const UNCHANGED: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

async function drawn<Canvas extends HTMLCanvasElement | OffscreenCanvas>(canvas: Canvas, url: string): Promise<Canvas> {
  const bitmap = await createImageBitmap(await fetched(url), UNCHANGED);
  Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0);
  return canvas;
}

const offscreen = (url: string): Promise<OffscreenCanvas> => drawn(new OffscreenCanvas(1, 1), url);

async function imageData(url: string): Promise<ImageData> {
  const canvas = await offscreen(url);
  return (canvas.getContext('2d') as OffscreenCanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
}

async function playing(url: string): Promise<HTMLVideoElement> {
  const canvas = await drawn(document.createElement('canvas'), url);
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream(10);
  await video.play();
  return video;
}

/** One maker per kind of picture. */
const KINDS: Record<string, (url: string) => Promise<PictureSource>> = {
  Blob: fetched,
  File: async (url) => new File([await fetched(url)], 'face.png', { type: 'image/png' }),
  HTMLImageElement: image,
  HTMLCanvasElement: (url) => drawn(document.createElement('canvas'), url),
  OffscreenCanvas: offscreen,
  ImageBitmap: async (url) => createImageBitmap(await fetched(url), UNCHANGED),
  ImageData: imageData,
  async SharedPicture(url) {
    const picture = await SharedPicture.open(await fetched(url));
    await pixelsOf(picture); // the whole of it, of which crops are parts
    return picture;
  },
  VideoFrame: async (url) => new VideoFrame(await offscreen(url), { timestamp: 0 }),
  HTMLVideoElement: playing,
  raw: async (url): Promise<RawPicture> => {
    const { data, width, height } = await imageData(url);
    return { data: new Uint8Array(data.buffer), width, height };
  },
};

export async function pixelsOfKind(kind: string, url: string, box?: Box): Promise<Pixels> {
  const make = KINDS[kind];
  if (!make) throw new Error(`no kind ${kind}`);
  const source = await make(url);
  try {
    return await pixelsOf(source, box);
  } finally {
    if (typeof source === 'object' && 'close' in source && typeof source.close === 'function') source.close();
  }
}

/** Width, height and first pixel of a canvas that WebGL painted red in this very task, and forgets after it. */
export async function painted(kind: 'webgl' | 'webgl2', width: number, height: number): Promise<number[]> {
  await device();
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  document.body.append(canvas);
  const gl = canvas.getContext(kind) as WebGLRenderingContext | null;
  if (!gl) throw new Error(`no ${kind}`);
  gl.clearColor(200 / 255, 30 / 255, 40 / 255, 1);
  gl.clear(gl.COLOR_BUFFER_BIT);
  const seen = await pixelsOf(canvas);
  return [seen.width, seen.height, ...seen.rgb.slice(0, 3)];
}

/** The whole way, as the engine goes it: the resized crop is sent to the test. Gives whether the first texture was kept. */
export async function preprocessed(kind: string, url: string, boxes: Box[]): Promise<boolean> {
  const gpu = await device();
  const preprocess = new Preprocess(gpu);
  const first = preprocess.texture;
  const picture = await openPicture(await (KINDS[kind] as (url: string) => Promise<PictureSource>)(url));
  const table = new Int32Array(preprocess.table.size / 4);
  for (const box of boxes) await preprocess.upload(picture, [checkBox(box, picture)]);
  table.set(new Int32Array(await readBuffer(gpu, preprocess.table)));
  const packed = new Uint32Array(await runKernel(gpu, resize, { size: SIZE }, { picture: preprocess.texture, table }, SIZE * SIZE));
  await fetch('/post/resized', { method: 'POST', body: unpackRgb(packed) });
  preprocess.destroy();
  picture.close();
  return preprocess.texture === first;
}

/** Only STORAGE and COPY_DST are asked of the table: a copy by a kernel is what reads it. */
async function readBuffer(gpu: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const copy = gpu.createBuffer({ size: buffer.size, usage });
  const read = gpu.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const code = `@group(0) @binding(0) var<storage, read> x: array<u32>;
    @group(0) @binding(1) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64) fn copy(@builtin(global_invocation_id) id: vec3u) { if (id.x < arrayLength(&x)) { y[id.x] = x[id.x]; } }`;
  const pipeline = gpu.createComputePipeline({ layout: 'auto', compute: { module: gpu.createShaderModule({ code }) } });
  const entries = [buffer, copy].map((resource, binding) => ({ binding, resource: { buffer: resource } }));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(buffer.size / 256));
  pass.end();
  encoder.copyBufferToBuffer(copy, 0, read, 0, buffer.size);
  gpu.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const bytes = read.getMappedRange().slice(0);
  for (const used of [copy, read]) used.destroy();
  return bytes;
}
