import { normaliseLookup } from '../../src/image/resize.ts';
import { EMBED_CHANNELS, embed, embedSmall } from '../../src/kernels/embed.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import { convolution } from './patchEmbed.cases.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { layerNorm, streamOf } from './streams.ts';

function embedCase(kernel: typeof embed, name: string, size: number, images = 1): KernelCase {
  const eps = 1e-5;
  const channels = EMBED_CHANNELS;
  return {
    name: `${name}: ${images} x ${size} x ${size}`,
    bound: FLOAT32,
    async run(device) {
      const pixels = Uint32Array.from(randomValues(images * size * size, 1), (v) => (v + 1) * 2 ** 31);
      const lookup = normaliseLookup();
      const weight = randomValues(channels * 48, 2);
      const [b, g, beta] = [3, 4, 5].map((seed) => randomValues(channels, seed)) as [Float32Array, Float32Array, Float32Array];
      const n = Float32Array.of(...b, ...g, ...beta);
      const rows = images * (size / 4) ** 2;
      const inputs = { x: pixels, lookup, w: transposed(weight, channels, new Float32Array(weight.length)), n };
      const y = await runKernel(device, kernel, { size, eps, images }, inputs, rows * (channels + channels / 16));
      const plane = size * size;
      const embedded = Array.from({ length: images }, (_, image) => {
        const planes = Float32Array.from({ length: 3 * plane }, (_, i) => {
          const pixel = pixels[image * plane + (i % plane)] as number;
          const colour = Math.floor(i / plane);
          return lookup[colour * 256 + ((pixel >>> (8 * colour)) & 255)] as number;
        });
        return [...convolution(planes, weight, b, size)];
      }).flat();
      return { actual: new Float32Array(y), expected: streamOf(layerNorm(embedded, g, beta, eps), channels) };
    },
  };
}

export const cases: KernelCase[] = [
  embedCase(embed, 'the model', 224),
  embedCase(embed, 'patches that do not fill a workgroup', 20),
  embedCase(embed, 'one patch', 4),
  embedCase(embed, 'three images', 12, 3),
  embedCase(embedSmall, 'two patches a thread', 36, 2),
];
