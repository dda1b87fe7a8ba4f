import { transposed } from '../../src/kernels/matmul/role.ts';
import { patchEmbed } from '../../src/kernels/patchEmbed.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';

/** torch.nn.Conv2d(3, channels, 4, stride=4) of x [3][size][size], channels last: [(size/4)^2, channels] */
export function convolution(x: Float32Array, weight: Float32Array, bias: Float32Array, size: number): Float64Array {
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

function embedCase(name: string, size: number, channels: number): KernelCase {
  return {
    name: `${name}: ${size} x ${size} to ${channels} channels`,
    bound: { nmse: 1e-12 },
    async run(device) {
      const x = randomValues(3 * size * size, 1);
      const weight = randomValues(channels * 48, 2);
      const b = randomValues(channels, 3);
      const inputs = { x, w: transposed(weight, channels, new Float32Array(weight.length)), b };
      const y = await runKernel(device, patchEmbed, { size, channels }, inputs, (size / 4) ** 2 * channels);
      return { actual: new Float32Array(y), expected: convolution(x, weight, b, size) };
    },
  };
}

export const cases: KernelCase[] = [
  embedCase('the model', 224, 128),
  embedCase('patches that do not fill a workgroup', 20, 128),
  embedCase('one patch', 4, 128),
  embedCase('few channels', 36, 12),
];
