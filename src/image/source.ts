/**
 * Every kind of picture in. A picture is opened once; its crops then go to the GPU straight from where its pixels are. Kinds are told
 * by their tag, not by `instanceof`, so that they may come from another frame and nothing of the page is needed in a worker or in Node.
 */
import { address, harmless, message } from '../checkpoint/bytes.ts';
import { badPicture, FaceXFormerError } from '../gpu/errors.ts';
import { said, shown, tag } from '../gpu/given.ts';
import { refusalOf } from '../gpu/scope.ts';
import { PATIENCE, whenThere, within } from '../gpu/waiting.ts';
import type { Box, Size } from './crop.ts';

/** Pixels in memory: RGBA, 8 bits each, row by row from the top; alpha is not used. */
export interface RawPicture extends Size {
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * What can be analysed. Colours are those of the picture's pixels, as Pillow's convert('RGB') gives them: alpha is dropped (not blended
 * with a background), grey and palette become RGB, and a Blob's or an image element's colour profile is ignored; but Firefox multiplies by
 * alpha and divides again, and rounds 16 bits down. EXIF orientation is honoured, and how a video's file turns and stretches it. A string or URL is a
 * picture's address. What a canvas, an image element, a video or a VideoFrame shows is taken when it is given, and it may go on, be drawn on or be closed;
 * an ImageBitmap, ImageData or raw pixels must keep their contents until the answer comes. A SharedPicture is for several calls.
 */
export type PictureSource =
  | string
  | URL
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | VideoFrame
  | HTMLVideoElement
  | Blob
  | RawPicture
  | OpenedPicture;

/** What engines know of a `SharedPicture`. */
export interface OpenedPicture extends Size {
  close(): void;
  /** @internal @throws FaceXFormerError BAD_PICTURE: it was closed */
  opened(): Picture;
}

/** A texture that pictures are copied into. @param size width, height and layers; `usage`: what else is done with it */
export function pictureTexture(device: GPUDevice, label: string, size: [number, number, number], usage: GPUTextureUsageFlags): GPUTexture {
  const { COPY_DST, RENDER_ATTACHMENT } = GPUTextureUsage; // copyExternalImageToTexture asks for both
  return device.createTexture({ label, size, format: 'rgba8unorm', usage: COPY_DST | RENDER_ATTACHMENT | usage });
}

/** A copy that the GPU was asked for; what it refuses of it is known later. */
export interface Copy {
  readonly refused: Promise<GPUError | undefined>;
}

/** A picture whose pixels are at hand. */
export interface Picture extends Size {
  /**
   * Copies the pixels of `crop` (integers inside the picture) to the top left corner of a layer of an `rgba8unorm` texture.
   * @throws FaceXFormerError BAD_PICTURE: tainted by another origin, closed since, or refused by the browser.
   */
  copyTo(texture: GPUTexture, crop: Box, device: GPUDevice, layer?: number): Promise<Copy>;
  /** What was opened, as one that can be opened again: a still picture, of which all see the same. */
  readonly still: PictureSource;
  /** The picture at another size, by the browser's best filter: for what is larger than can be worked on. */
  resized(size: Size): Promise<Picture>;
  /** Frees what opening made; never the caller's own object. */
  close(): void;
}

/** The picture's own pixels: no colour conversion, no multiplication by alpha, upright. */
export const AS_STORED: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none', imageOrientation: 'from-image' };

/**
 * Opens any kind of picture.
 * @throws FaceXFormerError BAD_PICTURE: no picture, not decodable, empty, not loaded yet, a video without a frame, tainted by another
 * origin, a closed bitmap or frame, raw data of the wrong length; what a server or the browser does not open for a minute.
 */
export function openPicture(source: PictureSource): Promise<Picture> {
  const opening = opened(source);
  return within(PATIENCE.picture, opening, () => {
    whenThere(opening, (late) => late.close());
    return badPicture(`The picture was not opened within ${PATIENCE.picture / 1000} s: its server or the browser does not answer.`);
  });
}

async function opened(source: PictureSource): Promise<Picture> {
  const kind = tag(source);
  try {
    switch (kind) {
      case 'String':
      case 'URL':
        return await openAddress(String(source));
      case 'Blob':
      case 'File':
        return await openBlob(source as Blob);
      case 'HTMLImageElement':
        return await openImage(source as HTMLImageElement);
      case 'HTMLVideoElement':
        return openVideo(source as HTMLVideoElement);
      case 'VideoFrame':
        return external(source as VideoFrame, { width: (source as VideoFrame).displayWidth, height: (source as VideoFrame).displayHeight });
      case 'ImageData':
        return await openImageData(source as ImageData);
      case 'ImageBitmap':
        return external(source as ImageBitmap);
      case 'HTMLCanvasElement':
      case 'OffscreenCanvas':
        return await openCanvas(source as HTMLCanvasElement | OffscreenCanvas);
    }
    if (typeof source === 'object' && source !== null) {
      if ('data' in source) return raw(source as RawPicture);
      if ('opened' in source) return (source as OpenedPicture).opened();
    }
  } catch (error) {
    throw unreadable(kind, error);
  }
  throw badPicture(
    `${shown(source)} is no picture. Give an image, canvas or video element, ` +
      'an ImageBitmap, ImageData, VideoFrame, Blob, File or address, or { data, width, height } with RGBA bytes.',
  );
}

async function openBlob(blob: Blob): Promise<Picture> {
  if (blob.size === 0) throw new Error('it has 0 bytes');
  return owned(await createImageBitmap(blob, AS_STORED));
}

async function openAddress(url: string): Promise<Picture> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await openBlob(await response.blob());
  } catch (error) {
    throw unreadable(address(url), harmless(error) ?? new Error(message(error)));
  }
}

/**
 * What the canvas shows in this very task: one that WebGL or WebGPU draws is empty in the next, unless it was told to keep its pixels. Where the
 * browser makes no ImageBitmap of a canvas (one that a worker draws), it is read itself.
 */
async function openCanvas(canvas: HTMLCanvasElement | OffscreenCanvas): Promise<Picture> {
  const itself = external(canvas);
  try {
    return owned(await createImageBitmap(canvas, AS_STORED));
  } catch {
    return itself;
  }
}

async function openImage(image: HTMLImageElement): Promise<Picture> {
  if (!image.complete) throw badPicture("The image is not loaded yet: wait for its 'load' event, or for image.decode().");
  if (image.naturalWidth === 0 || image.naturalHeight === 0) throw badPicture('The image has no source, did not load, or has no pixels.');
  return owned(await createImageBitmap(image, AS_STORED));
}

/** One frame of the video, so that every face of a picture is cut from the same. */
function openVideo(video: HTMLVideoElement): Picture {
  const HAVE_CURRENT_DATA = 2;
  if (video.readyState < HAVE_CURRENT_DATA || video.videoWidth === 0)
    throw badPicture("The video has no frame to show: wait for its 'loadeddata' event, if it is more than sound.");
  return owned(drawnOf(video, video.videoWidth, video.videoHeight).transferToImageBitmap());
}

/**
 * What a video shows now, or a VideoFrame of the caller's, as one of our own, which whoever takes it closes. Frames that know no rotation, as Firefox's, are
 * as a file stores them: those of a phone's video lie on their side, and pixels that are not square are taken for square. What is drawn of a video is as it
 * is shown, and a camera's frames are.
 * @throws what the browser throws: where nothing is shown, where it knows no VideoFrame, and a SecurityError where the video is of another origin
 */
export function shownBy(source: VideoFrame | HTMLVideoElement): VideoFrame | ImageBitmap {
  const frame = new VideoFrame(source);
  const { srcObject, videoWidth, videoHeight } = source as HTMLVideoElement;
  if ('rotation' in frame || srcObject !== null) return frame;
  frame.close();
  return drawnOf(source, videoWidth, videoHeight).transferToImageBitmap();
}

/** The same, of which nothing becomes of anything else, and where it fails: `openPicture` does so then, or is able to. */
export function frameOf(source: PictureSource): VideoFrame | ImageBitmap | undefined {
  try {
    return /^(VideoFrame|HTMLVideoElement)$/.test(tag(source)) ? shownBy(source as VideoFrame) : undefined;
  } catch {
    return undefined;
  }
}

/** A frame's picture without the frame, which it closes at once: a camera has few of them, and waits for those that are held. */
export async function copyOfFrame(frame: VideoFrame): Promise<Picture> {
  try {
    return openPicture(drawnOf(frame, frame.displayWidth, frame.displayHeight));
  } catch (error) {
    throw unreadable('VideoFrame', error);
  } finally {
    frame.close();
  }
}

async function openImageData(image: ImageData): Promise<Picture> {
  const plain = tag(image.data) === 'Uint8ClampedArray' && (image.colorSpace ?? 'srgb') === 'srgb';
  return plain ? raw(image) : owned(await createImageBitmap(image, { premultiplyAlpha: 'none' }));
}

const owned = (image: ImageBitmap): Picture => ({ ...external(image), close: () => image.close() });

type External = Exclude<GPUCopyExternalImageSource, ImageData>;

function external(source: External, { width, height }: Size = source as Size): Picture {
  if (!(width > 0 && height > 0)) throw badPicture(`The ${tag(source)} has no pixels, or was closed: ${width} x ${height}.`);
  let drawn: OffscreenCanvas | undefined;
  return {
    width,
    height,
    still: source as PictureSource,
    async copyTo(texture, crop, device, layer = 0) {
      try {
        const copied = drawn ? undefined : copyIfTaken(source, texture, crop, device, layer);
        if (copied) return copied;
        drawn ??= drawnOf(source, width, height);
        return copyExternal(drawn, texture, crop, device, layer);
      } catch (error) {
        throw unreadable(tag(source), error);
      }
    },
    resized: (size) => resizedOf(source, size),
    close: () => {},
  };
}

/** Firefox cuts a piece out of what is multiplied by alpha, as canvases and most bitmaps are, where it should scale: first its own pixels are made of it. */
async function resizedOf(source: External | RawPicture, { width, height }: Size): Promise<Picture> {
  const stored = 'data' in source ? source : await bitmapOf(source, AS_STORED);
  try {
    return owned(await bitmapOf(stored, { ...AS_STORED, resizeWidth: width, resizeHeight: height, resizeQuality: 'high' }));
  } finally {
    if ('close' in stored) stored.close();
  }
}

/** What browsers draw of it: raw pixels without their alpha, which counts there. @throws FaceXFormerError BAD_PICTURE */
export async function bitmapOf(source: External | RawPicture, options?: ImageBitmapOptions): Promise<ImageBitmap> {
  try {
    return await createImageBitmap('data' in source ? opaque(source) : source, options);
  } catch (error) {
    throw unreadable(tag(source), error);
  }
}

/** A canvas with the picture; an ImageBitmap of a video, or a frame, that is turned would be distorted. */
function drawnOf(source: External, width: number, height: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const ctx = canvas.getContext('2d');
  if (!ctx) throw new TypeError(`the browser gives no canvas of ${width} x ${height} pixels`); // an empty one would be a black picture
  ctx.drawImage(source, 0, 0, width, height);
  return canvas;
}

/** Nothing where the browser does not copy this kind: a TypeError; Chromium copies no video frame without a GPU. */
function copyIfTaken(source: External, texture: GPUTexture, crop: Box, device: GPUDevice, layer: number): Copy | undefined {
  try {
    return copyExternal(source, texture, crop, device, layer);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'SecurityError') throw error;
    return undefined;
  }
}

function copyExternal(source: External, texture: GPUTexture, { x0, y0, x1, y1 }: Box, device: GPUDevice, layer: number): Copy {
  const into = { texture, origin: [0, 0, layer], premultipliedAlpha: false };
  const copy = () => device.queue.copyExternalImageToTexture({ source, origin: [x0, y0] }, into, [x1 - x0, y1 - y0]);
  return { refused: refusalOf(device, copy) };
}

function raw({ data: pixels, width, height }: RawPicture): Picture {
  const kind = tag(pixels);
  const data = Object(pixels).buffer?.resizable ? pixels.slice() : pixels; // what may be resized is taken by no GPU
  if (kind !== 'Uint8Array' && kind !== 'Uint8ClampedArray')
    throw badPicture(`Raw pixels must be a Uint8Array or Uint8ClampedArray of RGBA bytes, not ${kind}.`);
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0))
    throw badPicture(`Raw pixels need a width and height of 1 or more whole pixels, not ${width} x ${height}.`);
  if (data.length !== width * height * 4)
    throw badPicture(
      `Raw pixels of ${width} x ${height} take ${width * height * 4} bytes of RGBA, and there are ${data.length}` +
        `${data.length === 0 ? ' (empty, or given away to a worker)' : ''}.`,
    );
  return {
    width,
    height,
    still: { data, width, height },
    async copyTo(texture, { x0, y0, x1, y1 }, device, layer = 0) {
      const into = { texture, origin: [0, 0, layer] };
      const layout = { offset: (y0 * width + x0) * 4, bytesPerRow: width * 4, rowsPerImage: y1 - y0 };
      const copy = () => device.queue.writeTexture(into, data as GPUAllowSharedBufferSource, layout, [x1 - x0, y1 - y0]);
      return { refused: refusalOf(device, copy) };
    },
    resized: (size) => resizedOf({ data, width, height }, size),
    close: () => {},
  };
}

function opaque({ data, width, height }: RawPicture): ImageData {
  const pixels = new Uint8ClampedArray(data);
  for (let alpha = 3; alpha < pixels.length; alpha += 4) pixels[alpha] = 255;
  return new ImageData(pixels, width, height);
}

/** What `error` means to who gave a picture of that kind, or address. */
export function unreadable(kind: string, error: unknown): FaceXFormerError {
  if (error instanceof FaceXFormerError) return error;
  const why =
    Object(error).name === 'SecurityError'
      ? "of another origin: serve it with CORS headers, and set crossOrigin = 'anonymous' before the source"
      : 'out of reach, damaged, too large, or of a kind that this browser does not decode';
  return badPicture(`The picture (${kind}) is ${why}: ${said(error)}`, { cause: error });
}
