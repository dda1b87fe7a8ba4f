import { axis, resizePixels, resizeTable, unpackRgb } from '../../src/image/resize.ts';
import { resize } from '../../src/kernels/resize.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

/** Pixels of all byte values; every fourth is alpha, which must not matter. */
function picture(width: number, height: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(randomValues(width * height * 4, width * 9973 + height), (v) => Math.floor((v + 1) * 128));
}

function resizeCase(name: string, width: number, height: number, spare: number, size: number): KernelCase {
  return {
    name: `${name}: ${width} x ${height} to ${size}`,
    bound: 'exact',
    async run(device) {
      const rgba = picture(width, height);
      const [x, y] = [axis(width, size), axis(height, size)];
      const texture = device.createTexture({
        size: [width + spare, height + spare],
        format: 'rgba8unorm',
        usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST,
      });
      const noise = picture(width + spare, height + spare);
      device.queue.writeTexture({ texture }, noise, { bytesPerRow: (width + spare) * 4 }, [width + spare, height + spare]);
      device.queue.writeTexture({ texture }, rgba, { bytesPerRow: width * 4 }, [width, height]);
      const packed = await runKernel(device, resize, { size }, { picture: texture, table: resizeTable(x, y) }, size * size);
      texture.destroy();
      return { actual: unpackRgb(new Uint32Array(packed)), expected: resizePixels(rgba, x, y) };
    },
  };
}

export const cases: KernelCase[] = [
  resizeCase('a face', 301, 287, 0, 224),
  resizeCase('enlarged', 57, 91, 0, 224),
  resizeCase('one pixel', 1, 1, 0, 224),
  resizeCase('one column', 1, 300, 7, 224),
  resizeCase('one row', 300, 1, 7, 224),
  resizeCase('both passes skipped', 224, 224, 3, 224),
  resizeCase('one pass skipped', 224, 130, 0, 224),
  resizeCase('wide, in a larger texture', 900, 61, 33, 224),
  resizeCase('72 taps', 4000, 20, 0, 224),
  resizeCase('the largest side', 3, 8192, 0, 224),
  resizeCase('a side that is no multiple of four', 40, 50, 5, 13),
];
