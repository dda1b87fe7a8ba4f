/** What the GPU needs of a picture before the network's first kernel: the crops as a texture's layers, and the resize's table for their sizes. */
import { FaceXFormerError, gpuError } from '../gpu/errors.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import { whenThere } from '../gpu/waiting.ts';
import type { Box, Size } from './crop.ts';
import { axis, MAX_CROP, partsOfTable, resizeTable, SIZE, tableBytes } from './resize.ts';
import { type Copy, type Picture, pictureTexture } from './source.ts';

/** Texture sides grow in steps of this many pixels, so that a face that comes nearer makes few new textures. */
const STEP = 256;
/** A texture of more pixels (64 MiB) is kept only as long as crops need it. */
const KEPT_PIXELS = 16 * 2 ** 20;

/** What is asked of a picture here. */
type Copied = Pick<Picture, 'copyTo'>;

/** The texture's room: an image a layer. */
interface Room extends Size {
  readonly images: number;
}

/**
 * Owns the texture of crops, an image a layer, and the table of one network on one device. In steady state it creates nothing: a crop is one copy, and
 * one buffer write if its size is new in its layer. An upload and the submit that reads it belong together; no other upload may come between them.
 */
export class Preprocess {
  /** Binding `table` of the kernel `resize`, never replaced. */
  readonly table: GPUBuffer;
  /** The bindings of the kernel `resize` by name; `picture` is another one when crops did not fit it. */
  readonly resources = new Map<'picture' | 'table', GPUTexture | GPUBuffer>();
  /** The crops; another one when crops did not fit it. */
  texture: GPUTexture;
  /** The sizes of crops that the table's parts are for, and whether the GPU took them: until that is known they are written anew. */
  readonly #tables: { readonly size: string; taken: boolean }[] = [];

  /** @param side of the square that crops are resized to, in pixels */
  constructor(
    readonly device: GPUDevice,
    readonly side = SIZE,
  ) {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.table = device.createBuffer({ label: 'resize.table', size: tableBytes(side), usage });
    device.queue.writeBuffer(this.table, 0, partsOfTable(side));
    this.resources.set('table', this.table);
    this.texture = this.#create({ width: 2 * STEP, height: 2 * STEP, images: 1 });
    this.resources.set('picture', this.texture);
  }

  /**
   * Puts the pictures' pixels in `crops` on the GPU, each into a layer of its own, in their order, and the tables that resize them.
   * @param pictures one, or each crop's
   * @param crops 1 to `MOST_IMAGES`, of integers inside the picture, as `checkBox` gives them
   * @returns `accepted`, which rejects with GPU_ERROR where the GPU refused a crop: the frame that reads it is worth nothing
   * @throws FaceXFormerError LIMIT: a crop is larger than a texture can be, or they are than the GPU has memory for. BAD_PICTURE: see `Picture.copyTo`.
   */
  async upload(pictures: Copied | readonly Copied[], crops: readonly Box[]): Promise<{ readonly accepted: Promise<void> }> {
    const most = Math.min(MAX_CROP, this.device.limits.maxTextureDimension2D);
    const { width, height } = largest(crops);
    if (Math.max(width, height) > most)
      throw new FaceXFormerError(
        'LIMIT',
        `The face box is ${width} x ${height} pixels; this GPU takes up to ${most} on a side. Give a smaller box, or scale the picture down.`,
      );
    await this.#makeRoom({ width, height, images: crops.length }, most);
    const pictureOf = (image: number): Copied => (Array.isArray(pictures) ? pictures[image] : pictures) as Copied;
    const copies: Copy[] = [];
    for (const [image, crop] of crops.entries()) copies.push(await pictureOf(image).copyTo(this.texture, crop, this.device, image));
    for (const [image, crop] of crops.entries()) copies.push(this.#writeTable(sizeOf(crop), image));
    const accepted = this.#accepted(copies);
    accepted.catch(() => {}); // for who does not get to wait for it
    return { accepted };
  }

  /** Destroys both; work already submitted still finishes. */
  destroy(): void {
    this.texture.destroy();
    this.table.destroy();
  }

  async #makeRoom(size: Room, most: number): Promise<void> {
    const step = (side: number): number => Math.min(Math.ceil(side / STEP) * STEP, most);
    const need = { width: step(size.width), height: step(size.height), images: size.images };
    const { width, height, depthOrArrayLayers: images } = this.texture;
    const kept = Math.max(KEPT_PIXELS, pixels(need));
    if (width >= size.width && height >= size.height && images >= size.images && pixels({ width, height, images }) <= kept) return;
    const both = { width: Math.max(width, need.width), height: Math.max(height, need.height), images: Math.max(images, need.images) };
    const what = `${size.images} x ${size.width} x ${size.height} pixels of faces: give smaller boxes`;
    const [texture] = await allocated(this.device, what, () => [this.#create(pixels(both) <= kept ? both : need)]);
    this.texture.destroy();
    this.texture = texture;
    this.resources.set('picture', this.texture);
  }

  #create({ width, height, images }: Room): GPUTexture {
    return pictureTexture(this.device, 'picture', [width, height, images], GPUTextureUsage.TEXTURE_BINDING);
  }

  async #accepted(copies: readonly Copy[]): Promise<void> {
    const refused = (await Promise.all(copies.map((copy) => copy.refused))).find((error) => error !== undefined);
    if (refused) throw gpuError(`The GPU refused the picture: ${refused.message}`);
  }

  #writeTable({ width, height }: Size, image: number): Copy {
    const size = `${width} x ${height}`;
    const known = this.#tables[image];
    if (known?.size === size && known.taken) return { refused: Promise.resolve(undefined) };
    const table = { size, taken: false };
    this.#tables[image] = table;
    const x = axis(width, this.side);
    const part = resizeTable(x, width === height ? x : axis(height, this.side));
    const at = 4 * (partsOfTable(this.side)[image] as number);
    const refused = refusalOf(this.device, () => this.device.queue.writeBuffer(this.table, at, part));
    whenThere(refused, (error) => {
      table.taken = error === undefined;
    });
    return { refused };
  }
}

/**
 * Crops in groups that go through the network together: `most` each, in their order, but fewer where they would need a texture that is not
 * worth keeping.
 */
export function batchesOf<Item>(items: readonly Item[], most: number, cropOf: (item: Item) => Box): Item[][] {
  const batches: Item[][] = [];
  for (const item of items) {
    const batch = batches.at(-1);
    const together = [...(batch ?? []), item];
    const size = { ...largest(together.map(cropOf)), images: together.length };
    if (batch && together.length <= most && pixels(size) <= KEPT_PIXELS) batch.push(item);
    else batches.push([item]);
  }
  return batches;
}

const sizeOf = ({ x0, y0, x1, y1 }: Box): Size => ({ width: x1 - x0, height: y1 - y0 });

/** The least size that each of the crops fits in. */
function largest(crops: readonly Box[]): Size {
  const sizes = crops.map(sizeOf);
  return { width: Math.max(...sizes.map(({ width }) => width)), height: Math.max(...sizes.map(({ height }) => height)) };
}

const pixels = ({ width, height, images }: Room): number => width * height * images;
