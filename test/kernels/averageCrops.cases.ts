import { averaged } from '../../src/detect/answer.ts';
import { averageCrops } from '../../src/kernels/averageCrops.ts';
import { channelsLast } from './maps.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

interface Part {
  crop: { left: number; top: number; width: number; height: number };
  to: { width: number; height: number };
}

const part = (left: number, top: number, width: number, height: number, wide: number, high: number): Part => ({
  crop: { left, top, width, height },
  to: { width: wide, height: high },
});

function averageCase(name: string, width: number, height: number, parts: readonly Part[]): KernelCase {
  return {
    name,
    bound: FLOAT32,
    async run(device) {
      const data = Uint8Array.from(randomValues(width * height * 4, 11), (v) => Math.floor((v + 1) * 128));
      const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
      const texture = device.createTexture({ size: [width, height, 1], format: 'rgba8unorm', usage });
      device.queue.writeTexture({ texture }, data, { bytesPerRow: 4 * width }, [width, height]);
      const crops = new Uint32Array(7 * parts.length);
      let end = 0;
      for (const [i, { crop, to }] of parts.entries()) {
        end += to.width * to.height;
        crops.set([end, crop.left, crop.top, crop.width, crop.height, to.width, to.height], 7 * i);
      }
      const y = await runKernel(device, averageCrops, { positions: end }, { picture: texture, crops }, 4 * end);
      texture.destroy();
      const expected = parts.map(({ crop, to }) => averaged({ data, width, height }, crop, to.width, to.height));
      return { actual: new Float32Array(y), expected: channelsLast(expected) };
    },
  };
}

export const cases: KernelCase[] = [
  averageCase('a pyramid', 61, 40, [part(0, 0, 61, 40, 37, 25), part(0, 0, 61, 40, 26, 18), part(0, 0, 61, 40, 18, 12)]),
  averageCase('crops, reduced and enlarged', 90, 70, [
    part(0, 0, 70, 70, 24, 24),
    part(80, 60, 10, 10, 24, 24),
    part(3, 5, 24, 24, 24, 24),
    part(89, 0, 1, 70, 24, 24),
    part(10, 10, 31, 17, 24, 24),
  ]),
];
