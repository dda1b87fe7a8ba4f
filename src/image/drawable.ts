/** Pictures for whoever draws them, which pages do with everything but raw pixels: those become a bitmap. */
import type { Size } from './crop.ts';
import { bitmapOf, openPicture, type PictureSource, type RawPicture } from './source.ts';

export type Drawable = ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | VideoFrame;

/** Opens a picture for as long as it is used. @throws FaceXFormerError BAD_PICTURE */
export async function withDrawable<Result>(
  picture: PictureSource,
  use: (image: Drawable, size: Size) => Result | Promise<Result>,
): Promise<Result> {
  const opened = await openPicture(picture);
  let bitmap: ImageBitmap | undefined;
  try {
    const { still, width, height } = opened;
    if ('data' in (still as object)) bitmap = await bitmapOf(still as RawPicture);
    return await use(bitmap ?? (still as Drawable), { width, height });
  } finally {
    bitmap?.close();
    opened.close();
  }
}
