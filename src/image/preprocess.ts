/** What the GPU needs of a picture before the network's first kernel: the crop as a texture, and the resize's table for its size. */
import { FaceXFormerError } from '../gpu/errors.ts';
import type { Box, Size } from './crop.ts';
import { axis, MAX_CROP, resizeTable, TABLE_BYTES } from './resize.ts';
import type { Picture } from './source.ts';

/** Texture sides grow in steps of this many pixels, so that a face that comes nearer makes few new textures. */
const STEP = 256;
/** A texture of more pixels (64 MiB) is kept only as long as crops need it. */
const KEPT_PIXELS = 16 * 2 ** 20;

/**
 * Owns the texture and the table of one device. In steady state it creates nothing: a crop is one copy, and one buffer write if its size
 * is new. An upload and the submit that reads it belong together; no other upload may come between them.
 */
export class Preprocess {
  /** Binding `table` of the kernel `resize`: TABLE_BYTES long, never replaced. */
  readonly table: GPUBuffer;
  #texture: GPUTexture;
  #version = 0;
  #tableOf: Size = { width: 0, height: 0 };

  constructor(readonly device: GPUDevice) {
    this.table = device.createBuffer({ label: 'resize.table', size: TABLE_BYTES, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    this.#texture = this.#create({ width: 2 * STEP, height: 2 * STEP });
  }

  /** Binding `picture` of the kernel `resize`. Replaced when a crop does not fit: see `version`. */
  get texture(): GPUTexture {
    return this.#texture;
  }

  /** Changes when `texture` is another one: the bind group that holds its view must then be made anew. */
  get version(): number {
    return this.#version;
  }

  /**
   * Puts the picture's pixels in `crop` on the GPU.
   * @param crop integers inside the picture, as `checkBox` gives them
   * @throws FaceXFormerError LIMIT: the crop is larger than a texture can be, or than the GPU has memory for. BAD_PICTURE: see `Picture.copyTo`.
   */
  async upload(picture: Picture, crop: Box): Promise<void> {
    const size = { width: crop.x1 - crop.x0, height: crop.y1 - crop.y0 };
    const most = Math.min(MAX_CROP, this.device.limits.maxTextureDimension2D);
    if (Math.max(size.width, size.height) > most)
      throw new FaceXFormerError(
        'LIMIT',
        `The face box is ${size.width} x ${size.height} pixels; this GPU takes up to ${most} on a side. Give a smaller box, or scale the picture down.`,
      );
    await this.#makeRoom(size, most);
    await picture.copyTo(this.#texture, crop, this.device);
    if (size.width === this.#tableOf.width && size.height === this.#tableOf.height) return;
    const x = axis(size.width);
    this.device.queue.writeBuffer(this.table, 0, resizeTable(x, size.width === size.height ? x : axis(size.height)));
    this.#tableOf = size;
  }

  /** Destroys both; work already submitted still finishes. */
  destroy(): void {
    this.#texture.destroy();
    this.table.destroy();
  }

  async #makeRoom(size: Size, most: number): Promise<void> {
    const step = (side: number): number => Math.min(Math.ceil(side / STEP) * STEP, most);
    const need = { width: step(size.width), height: step(size.height) };
    const { width, height } = this.#texture;
    const kept = Math.max(KEPT_PIXELS, need.width * need.height);
    if (width >= size.width && height >= size.height && width * height <= kept) return;
    const both = { width: Math.max(width, need.width), height: Math.max(height, need.height) };
    this.device.pushErrorScope('out-of-memory');
    const texture = this.#create(both.width * both.height <= kept ? both : need);
    if (await this.device.popErrorScope()) {
      texture.destroy();
      throw new FaceXFormerError(
        'LIMIT',
        `The GPU has no memory for a face box of ${size.width} x ${size.height} pixels. Give a smaller one.`,
      );
    }
    this.#texture.destroy();
    this.#texture = texture;
    this.#version++;
  }

  #create({ width, height }: Size): GPUTexture {
    const { COPY_DST, RENDER_ATTACHMENT, TEXTURE_BINDING } = GPUTextureUsage; // copyExternalImageToTexture asks for the second
    return this.device.createTexture({
      label: 'picture',
      size: [width, height],
      format: 'rgba8unorm',
      usage: COPY_DST | RENDER_ATTACHMENT | TEXTURE_BINDING,
    });
  }
}
