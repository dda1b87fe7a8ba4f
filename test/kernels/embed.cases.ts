import { normaliseLookup } from '../../src/image/resize.ts';
import { EMBED_CHANNELS, embed, embedSmall, embedWide } from '../../src/kernels/embed.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { layerNorm, streamOf } from './streams.ts';

/** torch.nn.Conv2d(3, channels, 4, stride=4) of x [3][size][size], channels last: [(size/4)^2, channels] */
function convolution(x: Float32Array, weight: Float32Array, bias: Float32Array, size: number): Float64Array {
  const [channels, side] = [bias.length, size / 4];
  return Float64Array.from({ length: side * side * channels }, (_, at) => {
    const [c, px, py] = [at % channels, Math.floor(at / channels) % side, Math.floor(at / channels / side)];
    let sum = bias[c] as number;
    for (let i = 0; i < 3; i++)
      for (let dy = 0; dy < 4; dy++)
        for (let dx = 0; dx < 4; dx++)
          sum += (x[(i * size + 4 * py + dy) * size + 4 * px + dx] as number) * (weight[((c * 3 + i) * 4 + dy) * 4 + dx] as number);
    return sum;
  });
}

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
  embedCase(embedWide, 'four patches a thread', 20, 2),
  embedCase(embedSmall, 'two patches a thread', 36, 2),
];
