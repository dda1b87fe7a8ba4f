import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { caught } from '../../src/image/caught.ts';
import type { Box } from '../../src/image/crop.ts';
import { batchesOf, Preprocess } from '../../src/image/preprocess.ts';
import { axis, MAX_CROP, partsOfTable, resizeTable } from '../../src/image/resize.ts';
import { openPicture, type PictureSource, shownBy } from '../../src/image/source.ts';
import { codeOf } from '../errors.ts';

Object.assign(globalThis, {
  GPUTextureUsage: { COPY_DST: 2, TEXTURE_BINDING: 4, RENDER_ATTACHMENT: 16 },
  GPUBufferUsage: { COPY_DST: 8, STORAGE: 128 },
});

/** Records what is asked of a device, and has `memory` pixels of texture. */
class RecordedDevice {
  textures: { width: number; height: number; depthOrArrayLayers: number; destroyed: boolean; destroy(): void }[] = [];
  writes: {
    into: unknown;
    at?: number;
    origin?: GPUOrigin3D;
    bytes: ArrayBufferView<ArrayBuffer>;
    layout?: GPUTexelCopyBufferLayout;
    size?: number[];
  }[] = [];
  failed = false;

  constructor(
    readonly memory = Number.POSITIVE_INFINITY,
    readonly limits = { maxTextureDimension2D: MAX_CROP },
  ) {}

  createBuffer({ size }: { size: number }) {
    return { size, destroy: () => {} };
  }
  createTexture({ size: [width, height, depthOrArrayLayers] }: { size: [number, number, number] }) {
    const texture = {
      width,
      height,
      depthOrArrayLayers,
      destroyed: false,
      destroy() {
        texture.destroyed = true;
      },
    };
    this.failed ||= width * height * depthOrArrayLayers > this.memory;
    this.textures.push(texture);
    return texture;
  }
  pushErrorScope() {
    this.failed = false;
  }
  async popErrorScope() {
    return this.failed ? { message: 'out of memory' } : null;
  }
  queue = {
    writeBuffer: (into: unknown, at: number, bytes: Int32Array<ArrayBuffer>) => this.writes.push({ into, at, bytes }),
    writeTexture: (
      { texture: into, origin }: { texture: unknown; origin: GPUOrigin3D },
      bytes: Uint8Array<ArrayBuffer>,
      layout: GPUTexelCopyBufferLayout,
      size: number[],
    ) => this.writes.push({ into, origin, bytes, layout, size }),
  };
  get asDevice(): GPUDevice {
    return this as unknown as GPUDevice;
  }
}

const box = (x0: number, y0: number, x1: number, y1: number): Box => ({ x0, y0, x1, y1 });
const rawPicture = (width: number, height: number) => openPicture({ data: new Uint8Array(width * height * 4), width, height });
/** A picture of any size whose pixels are never touched. */
const anyPicture = { width: 20_000, height: 20_000, copyTo: async () => ({ refused: Promise.resolve(undefined) }), close: () => {} };
describe('Preprocess', () => {
  it('creates nothing for crops that fit, and writes the table only for a new size', async () => {
    const device = new RecordedDevice();
    const preprocess = new Preprocess(device.asDevice);
    const picture = await rawPicture(600, 600);
    for (const crop of [box(0, 0, 300, 200), box(9, 7, 309, 207), box(0, 0, 512, 512), box(1, 1, 2, 2)])
      await (await preprocess.upload(picture, [crop])).accepted;
    expect(device.textures.length).toBe(1);
    expect(preprocess.resources.get('picture')).toBe(device.textures[0]);
    const tables = device.writes.filter(({ into }) => into === preprocess.table);
    expect(tables.map(({ bytes }) => bytes)).toEqual([
      partsOfTable(),
      resizeTable(axis(300), axis(200)),
      resizeTable(axis(512), axis(512)),
      resizeTable(axis(1), axis(1)),
    ]);
  });

  it('uploads only the crop', async () => {
    const device = new RecordedDevice();
    await new Preprocess(device.asDevice).upload(await rawPicture(50, 40), [box(3, 5, 13, 25)]);
    const [, write] = device.writes; // the first is the table's header
    expect(write?.layout).toEqual({ offset: (5 * 50 + 3) * 4, bytesPerRow: 200, rowsPerImage: 20 });
    expect(write?.size).toEqual([10, 20]);
  });

  it('gives each crop of a batch a layer and a part of the table', async () => {
    const device = new RecordedDevice();
    const preprocess = new Preprocess(device.asDevice);
    const picture = await rawPicture(600, 600);
    await (await preprocess.upload(picture, [box(0, 0, 30, 20), box(5, 5, 605 - 5, 25), box(0, 0, 30, 20)])).accepted;
    await preprocess.upload(picture, [box(0, 0, 30, 20), box(0, 0, 40, 40)]);
    expect(device.textures.map(({ width, height, depthOrArrayLayers }) => [width, height, depthOrArrayLayers])).toEqual([
      [512, 512, 1],
      [768, 512, 3],
    ]);
    const copies = device.writes.filter(({ into }) => into === preprocess.texture);
    expect(copies.map(({ origin }) => origin)).toEqual([0, 1, 2, 0, 1].map((layer) => [0, 0, layer]));
    const parts = device.writes.filter(({ into }) => into === preprocess.table).slice(1);
    const at = partsOfTable();
    expect(parts.map(({ at }) => at)).toEqual([0, 1, 2, 1].map((image) => 4 * (at[image] as number)));
    expect(parts.at(-1)?.bytes).toEqual(resizeTable(axis(40), axis(40)));
    const few = new RecordedDevice();
    await new Preprocess(few.asDevice).upload(picture, [box(0, 0, 30, 20), box(0, 0, 30, 20)]);
    expect(few.textures.at(-1)?.depthOrArrayLayers).toBe(2);
  });

  it('tells which upload the GPU refused, and writes the table anew after it', async () => {
    const device = new RecordedDevice();
    const preprocess = new Preprocess(device.asDevice);
    const picture = await rawPicture(60, 60);
    const refused = { message: 'no memory for the copy' };
    device.popErrorScope = async () => refused;
    const upload = await preprocess.upload(picture, [box(0, 0, 30, 20)]);
    expect(await codeOf(() => upload.accepted)).toBe('GPU_ERROR');
    device.popErrorScope = async () => null;
    await (await preprocess.upload(picture, [box(0, 0, 30, 20)])).accepted;
    expect(device.writes.filter(({ into }) => into === preprocess.table)).toHaveLength(3);
  });

  it('writes the table anew while it is not known whether the GPU took it', async () => {
    const device = new RecordedDevice();
    const preprocess = new Preprocess(device.asDevice);
    const picture = await rawPicture(60, 60);
    const upload = () => preprocess.upload(picture, [box(0, 0, 30, 20)]);
    for (const answer of [() => ({ message: 'no memory for the copy' }), () => Promise.reject(new Error('no answer'))]) {
      let tell = () => {};
      const told = new Promise<void>((resolve) => {
        tell = resolve;
      });
      device.popErrorScope = () => told.then(answer);
      const first = await upload();
      device.popErrorScope = async () => null;
      const second = await upload();
      tell();
      expect(await codeOf(() => first.accepted)).toBe('GPU_ERROR');
      await second.accepted;
      expect(device.writes.at(-1)?.into).toBe(preprocess.table);
      await (await upload()).accepted;
      expect(device.writes.at(-1)?.into).toBe(preprocess.texture);
      await (await preprocess.upload(picture, [box(0, 0, 9, 9)])).accepted;
    }
  });

  it('grows in steps, keeps both sides, and destroys what it replaced', async () => {
    const device = new RecordedDevice();
    const preprocess = new Preprocess(device.asDevice);
    for (const crop of [box(0, 0, 600, 100), box(0, 0, 700, 700), box(0, 0, 768, 768), box(0, 0, 600, 100)])
      await preprocess.upload(anyPicture, [crop]);
    expect(device.textures.map(({ width, height }) => [width, height])).toEqual([
      [512, 512],
      [768, 512],
      [768, 768],
    ]);
    expect(device.textures.map(({ destroyed }) => destroyed)).toEqual([true, true, false]);
    expect(preprocess.resources.get('picture')).toBe(device.textures[2]);
  });

  it('does not keep a huge texture, nor make one for sides that no crop has together', async () => {
    const device = new RecordedDevice();
    const preprocess = new Preprocess(device.asDevice);
    for (const crop of [box(0, 0, 8192, 200), box(0, 0, 200, 8192), box(0, 0, 8192, 8192), box(0, 0, 300, 300)])
      await preprocess.upload(anyPicture, [crop]);
    const made = device.textures.map(({ width, height }) => [width, height]);
    expect(made).toEqual([
      [512, 512],
      [8192, 512],
      [256, 8192],
      [8192, 8192],
      [512, 512],
    ]);
  });

  it('refuses a crop over the limit of a texture, and takes the next', async () => {
    const preprocess = new Preprocess(new RecordedDevice(undefined, { maxTextureDimension2D: 4096 }).asDevice);
    expect(await codeOf(() => preprocess.upload(anyPicture, [box(0, 0, 4097, 10)]))).toBe('LIMIT');
    await preprocess.upload(anyPicture, [box(0, 0, 4096, 10)]);
    const most = new Preprocess(new RecordedDevice(undefined, { maxTextureDimension2D: 16384 }).asDevice);
    expect(await codeOf(() => most.upload(anyPicture, [box(0, 0, 10, MAX_CROP + 1)]))).toBe('LIMIT');
  });

  it('survives a GPU without memory for the crop', async () => {
    const device = new RecordedDevice(1000 * 1000);
    const preprocess = new Preprocess(device.asDevice);
    expect(await codeOf(() => preprocess.upload(anyPicture, [box(0, 0, 3000, 3000)]))).toBe('LIMIT');
    await preprocess.upload(anyPicture, [box(0, 0, 300, 300)]);
    expect(device.textures.map(({ destroyed }) => destroyed)).toEqual([false, true]);
    expect(preprocess.resources.get('picture')).toBe(device.textures[0]);
  });
});

describe('batchesOf', () => {
  const sizes = (crops: Box[], most: number) => batchesOf(crops, most, (crop) => crop).map((batch) => batch.length);

  it('keeps the order, in groups of no more than were asked for', () => {
    const crops = Array.from({ length: 19 }, (_, i) => box(i, 0, i + 100, 100));
    expect(batchesOf(crops, 8, (crop) => crop).flat()).toEqual(crops);
    expect(sizes(crops, 8)).toEqual([8, 8, 3]);
    expect(sizes(crops, 1)).toEqual(Array(19).fill(1));
    expect(sizes([], 8)).toEqual([]);
  });

  it('lets large crops go in fewer, and one alone whatever its size', () => {
    const large = box(0, 0, 2048, 2048);
    expect(sizes([large, large, large, large, large], 8)).toEqual([4, 1]);
    expect(sizes([box(0, 0, 8192, 8192), box(0, 0, 8, 8)], 8)).toEqual([1, 1]);
  });
});

describe('openPicture without a page', () => {
  it.each([
    ['undefined', undefined],
    ['text', 'face.png'],
    ['a function', () => {}],
    ['an empty Blob', new Blob([])],
    ['a Blob where nothing decodes', new Blob(['GIF89a'])],
    ['too few bytes', { data: new Uint8Array(3), width: 1, height: 1 }],
    ['no data', { data: undefined, width: 1, height: 1 }],
    ['signed bytes', { data: new Int8Array(4), width: 1, height: 1 }],
    ['a negative size', { data: new Uint8Array(4), width: -1, height: -1 }],
    ['NaN', { data: new Uint8Array(4), width: Number.NaN, height: 1 }],
    ['data given away', { data: structuredClone(new Uint8Array(4)), width: 2, height: 1 }],
  ])('refuses %s', async (_, source) => {
    expect(await codeOf(() => openPicture(source as PictureSource))).toBe('BAD_PICTURE');
  });

  it('names an address, and not the token in it', async () => {
    vi.stubGlobal('createImageBitmap', () => Promise.reject(new Error('The source image could not be decoded.')));
    const answers: readonly (() => Promise<Response>)[] = [
      async () => new Response('<!doctype html>'),
      async () => new Response('', { status: 404 }),
      async () => new Response(''),
      () => Promise.reject(new TypeError('Failed to fetch https://a.example/face.png?token=secret')),
    ];
    for (const answer of answers) {
      vi.stubGlobal('fetch', answer);
      const error = await openPicture('https://a.example/face.png?token=secret').catch((refused: unknown) => refused);
      expect(error).toMatchObject({ code: 'BAD_PICTURE', message: expect.stringMatching(/https:\/\/a\.example\/face\.png/) });
      expect(inspect(error)).not.toMatch(/secret/);
    }
    vi.unstubAllGlobals();
  });
});

describe('a video in a browser whose frames are as a file stores them', () => {
  class Frame {
    [Symbol.toStringTag] = 'VideoFrame';
    displayWidth = 64;
    displayHeight = 32;
    close() {}
  }
  class Canvas {
    constructor(
      readonly width: number,
      readonly height: number,
    ) {}
    getContext = () => ({ drawImage: (...what: unknown[]) => drawn.push(what) });
    transferToImageBitmap = () => ({ [Symbol.toStringTag]: 'ImageBitmap', width: this.width, height: this.height, close: () => closed++ });
  }
  const drawn: unknown[] = [];
  let closed = 0;
  const video = { [Symbol.toStringTag]: 'HTMLVideoElement', readyState: 4, videoWidth: 32, videoHeight: 128, srcObject: null };
  beforeEach(() => {
    vi.stubGlobal('VideoFrame', Frame);
    vi.stubGlobal('OffscreenCanvas', Canvas);
    drawn.length = closed = 0;
  });
  afterEach(() => vi.unstubAllGlobals());

  it('is drawn in the task in which it is given, as it is shown', async () => {
    const call = caught(video as unknown as HTMLVideoElement);
    expect(drawn).toEqual([[video, 0, 0, 32, 128]]);
    call.settle();
    expect(await call.open()).toMatchObject({ width: 32, height: 128 });
    call.close();
    expect(closed).toBe(1);
  });

  it('of a camera is its frame', () => {
    expect(shownBy({ ...video, srcObject: {} } as unknown as HTMLVideoElement)).toBeInstanceOf(Frame);
  });

  it('that shows nothing is refused, and no black picture', async () => {
    for (const nothing of [{ readyState: 1 }, { videoWidth: 0 }])
      expect(await codeOf(() => openPicture({ ...video, ...nothing } as unknown as HTMLVideoElement))).toBe('BAD_PICTURE');
    expect(drawn).toEqual([]);
  });
});

describe('a kind that the browser does not copy', () => {
  it('is refused where the browser gives no canvas to draw on', async () => {
    vi.stubGlobal(
      'OffscreenCanvas',
      class {
        getContext = () => null;
      },
    );
    const frame = { displayWidth: 4, displayHeight: 6, [Symbol.toStringTag]: 'VideoFrame' };
    const picture = await openPicture(frame as unknown as VideoFrame);
    const scopes = { pushErrorScope() {}, popErrorScope: async () => null };
    const copyExternalImageToTexture = ({ source }: { source: unknown }) => {
      if (source === frame) throw new TypeError('not of a kind that is copied');
    };
    const device = { ...scopes, queue: { copyExternalImageToTexture } } as unknown as GPUDevice;
    const error = await codeOf(async () => picture.copyTo({} as GPUTexture, box(0, 0, 2, 2), device));
    vi.unstubAllGlobals();
    expect(error).toBe('BAD_PICTURE');
  });

  it('is drawn on a canvas of its size, once', async () => {
    const drawn: unknown[] = [];
    class Canvas {
      constructor(
        readonly width: number,
        readonly height: number,
      ) {}
      getContext = () => ({ drawImage: (...what: unknown[]) => drawn.push(what) });
    }
    vi.stubGlobal('OffscreenCanvas', Canvas);
    const copied: unknown[] = [];
    const device = {
      pushErrorScope() {},
      popErrorScope: async () => null,
      queue: {
        copyExternalImageToTexture({ source }: { source: unknown }) {
          if (!(source instanceof Canvas)) throw new TypeError('not of a kind that is copied');
          copied.push(source);
        },
      },
    } as unknown as GPUDevice;
    const frame = { displayWidth: 4, displayHeight: 6, [Symbol.toStringTag]: 'VideoFrame' };
    const picture = await openPicture(frame as unknown as VideoFrame);
    await picture.copyTo({} as GPUTexture, box(0, 0, 2, 2), device);
    await picture.copyTo({} as GPUTexture, box(2, 2, 4, 4), device);
    vi.unstubAllGlobals();
    expect(drawn).toEqual([[frame, 0, 0, 4, 6]]);
    expect(copied).toMatchObject([
      { width: 4, height: 6 },
      { width: 4, height: 6 },
    ]);
  });
});
