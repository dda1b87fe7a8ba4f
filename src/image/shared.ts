/** A picture that several networks look at: opened once, and its pixels given to a GPU once. */
import { badPicture } from '../gpu/errors.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import { whenThere } from '../gpu/waiting.ts';
import type { Box } from './crop.ts';
import { type Copy, frameOf, type OpenedPicture, openPicture, type Picture, type PictureSource, pictureTexture } from './source.ts';

/** Pixels of the picture that a device has. */
interface Region {
  readonly box: Box;
  readonly texture: Promise<GPUTexture>;
  /** How the upload went. */
  readonly copy: Promise<Copy>;
}

/**
 * A picture for several calls, of one engine or of several that share a device: `open` decodes it and takes what a video or a canvas shows, and the first
 * call uploads each crop that it needs. What later calls see of these pixels is copied on the GPU, at whichever side their network takes it.
 * Given in place of a picture; `close` frees it when the calls are answered.
 */
export class SharedPicture implements OpenedPicture {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly #picture: Picture;
  readonly #regions = new Map<GPUDevice, Region[]>();
  #closed = false;

  private constructor(picture: Picture) {
    this.#picture = picture;
    this.width = picture.width;
    this.height = picture.height;
  }

  /** Opens a picture of any kind. @throws FaceXFormerError BAD_PICTURE */
  static async open(source: PictureSource): Promise<SharedPicture> {
    const frame = frameOf(source);
    const picture = await openPicture(frame ?? source);
    return new SharedPicture(frame ? { ...picture, close: () => frame.close() } : picture);
  }

  /** Frees the picture, here and on every GPU. Calls that have not begun by then fail with BAD_PICTURE. May be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#picture.close();
    for (const regions of this.#regions.values()) for (const { texture } of regions) whenThere(texture, (one) => one.destroy());
    this.#regions.clear();
  }

  /** What an engine opens. @internal @throws FaceXFormerError BAD_PICTURE */
  opened(): Picture {
    if (this.#closed) throw badPicture('The SharedPicture was closed. Close it when its calls are answered.');
    return { ...this.#picture, copyTo: (...to) => this.#copyTo(...to), close: () => {} };
  }

  async #copyTo(texture: GPUTexture, crop: Box, device: GPUDevice, layer = 0): Promise<Copy> {
    const region = this.#regionOf(crop, device);
    const [from, uploaded] = await Promise.all([region.texture, region.copy]);
    const { x0, y0, x1, y1 } = crop;
    const copy = () => {
      const commands = device.createCommandEncoder({ label: 'picture.shared' });
      const origin = [x0 - region.box.x0, y0 - region.box.y0];
      commands.copyTextureToTexture({ texture: from, origin }, { texture, origin: [0, 0, layer] }, [x1 - x0, y1 - y0]);
      device.queue.submit([commands.finish()]);
    };
    const refusals = [uploaded.refused, refusalOf(device, copy)];
    return { refused: Promise.all(refusals).then((all) => all.find((error) => error !== undefined)) };
  }

  /** Pixels on the device that the crop is among; uploaded now where there are none. */
  #regionOf(crop: Box, device: GPUDevice): Region {
    const regions = this.#regions.get(device) ?? [];
    this.#regions.set(device, regions);
    const known = regions.find(({ box }) => box.x0 <= crop.x0 && box.y0 <= crop.y0 && box.x1 >= crop.x1 && box.y1 >= crop.y1);
    if (known) return known;
    const { x0, y0, x1, y1 } = crop;
    const create = () => [pictureTexture(device, 'picture.shared', [x1 - x0, y1 - y0, 1], GPUTextureUsage.COPY_SRC)] as const;
    const texture = allocated(device, 'a picture', create).then(([one]) => one);
    const copy = texture.then((one) => this.#picture.copyTo(one, crop, device));
    const region = { box: crop, texture, copy };
    regions.push(region);
    const forget = () => {
      const at = regions.indexOf(region);
      if (at >= 0) regions.splice(at, 1);
      whenThere(texture, (one) => one.destroy());
    };
    copy.then(({ refused }) => refused).then((error) => error && forget(), forget);
    return region;
  }
}
