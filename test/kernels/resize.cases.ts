import { axis, resizeTable } from '../../src/image/resize.ts';
import { resize, unpackRgb } from '../../src/kernels/resize.ts';
import { resizePixels } from '../image/pillow.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

/** Pixels of all byte values; every fourth is alpha, which must not matter. */
function picture(width: number, height: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(randomValues(width * height * 4, width * 9973 + height), (v) => Math.floor((v + 1) * 128));
}

interface Side {
  width: number;
  height: number;
}

/** Images of those sizes, each in the corner of a layer that is larger by `spare` pixels than the largest. */
function resizeCase(name: string, images: readonly Side[], spare: number, size: number): KernelCase {
  return {
    name: `${name}: ${images.map(({ width, height }) => `${width} x ${height}`).join(', ')} to ${size}`,
    bound: 'exact',
    async run(device) {
      const width = spare + Math.max(...images.map((image) => image.width));
      const height = spare + Math.max(...images.map((image) => image.height));
      const texture = device.createTexture({
        size: [width, height, images.length],
        format: 'rgba8unorm',
        usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST,
      });
      const copy = (rgba: Uint8Array<ArrayBuffer>, side: Side, layer: number) =>
        device.queue.writeTexture({ texture, origin: [0, 0, layer] }, rgba, { bytesPerRow: side.width * 4 }, [side.width, side.height]);
      for (const [layer, side] of images.entries()) {
        copy(picture(width, height), { width, height }, layer);
        copy(picture(side.width, side.height), side, layer);
      }
      const shape = { size, images: images.length };
      const packed = await runKernel(
        device,
        resize,
        shape,
        { picture: texture, table: tableOf(images, size) },
        images.length * size * size,
      );
      texture.destroy();
      const expected = images.flatMap((side) => [...resizePixels(picture(side.width, side.height), ...axesOf(side, size))]);
      return { actual: unpackRgb(new Uint32Array(packed)), expected };
    },
  };
}

const axesOf = ({ width, height }: Side, size: number) => [axis(width, size), axis(height, size)] as const;

/** The header, then the parts, packed. */
function tableOf(images: readonly Side[], size: number): Int32Array {
  const parts = images.map((side) => [...resizeTable(...axesOf(side, size))]);
  const begins = parts.map((_, i) => parts.slice(0, i).reduce((at, part) => at + part.length, images.length));
  return Int32Array.from([...begins, ...parts.flat()]);
}

const one = (name: string, width: number, height: number, spare: number, size: number) =>
  resizeCase(name, [{ width, height }], spare, size);

export const cases: KernelCase[] = [
  one('a face', 301, 287, 0, 224),
  one('enlarged', 57, 91, 0, 224),
  one('one pixel', 1, 1, 0, 224),
  one('one column', 1, 300, 7, 224),
  one('one row', 300, 1, 7, 224),
  one('both passes skipped', 224, 224, 3, 224),
  one('one pass skipped', 224, 130, 0, 224),
  one('wide, in a larger texture', 900, 61, 33, 224),
  one('72 taps', 4000, 20, 0, 224),
  one('the largest side', 3, 8192, 0, 224),
  one('a side that is no multiple of four', 40, 50, 5, 13),
  resizeCase(
    'three at once',
    [
      { width: 40, height: 50 },
      { width: 9, height: 311 },
      { width: 224, height: 1 },
    ],
    3,
    32,
  ),
];
