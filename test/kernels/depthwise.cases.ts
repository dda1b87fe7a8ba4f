import { type DepthwiseShape, depthwise, depthwiseSmall, packDepthwise } from '../../src/kernels/depthwise.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { finished } from './float64.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';
import { streamOf } from './streams.ts';

/** torch.nn.Conv2d of one image with as many groups as channels and kernel / 2 zeros around, then the activation; [side * side, channels] */
function convolved(shape: DepthwiseShape, x: Float32Array, weight: Float32Array, bias: Float32Array): Float64Array {
  const { side, channels, kernel, stride = 1, activation } = shape;
  const [all, reach] = [side * stride, (kernel - 1) / 2];
  return Float64Array.from({ length: side * side * channels }, (_, i) => {
    const [c, px, py] = [i % channels, Math.floor(i / channels) % side, Math.floor(i / channels / side)];
    let sum = bias[c] as number;
    for (let dy = 0; dy < kernel; dy++)
      for (let dx = 0; dx < kernel; dx++) {
        const [row, column] = [py * stride + dy - reach, px * stride + dx - reach];
        if (row < 0 || column < 0 || row >= all || column >= all) continue;
        sum += (x[(row * all + column) * channels + c] as number) * (weight[c * kernel ** 2 + dy * kernel + dx] as number);
      }
    return finished(activation, sum);
  });
}

/** @param fromStream x is a stream, whose statistics are passed by */
function depthwiseCase(name: string, shape: DepthwiseShape, dtype: Dtype = 'f32', fromStream = false, kernel = depthwise): KernelCase {
  const { images = 1, side, channels, kernel: window, stride = 1, activation = 'none', stream = false } = shape;
  const pixels = (side * stride) ** 2 * channels; // of one image
  const [input, output] = [fromStream ? 'f32' : dtype, stream ? 'f32' : dtype] as const;
  const riding = [activation !== 'none' && activation, fromStream && 'of a stream', stream && 'to a stream', dtype === 'f16' && 'float16'];
  return {
    name: `${name}: ${window}x${window} of stride ${stride} to ${images} x ${side} x ${side} x ${channels} ${riding.filter(Boolean).join(', ')}`.trim(),
    bound: output === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const x = randomValues(images * pixels, 1);
      const weight = randomValues(channels * window ** 2, 2);
      const b = randomValues(channels, 3);
      const inputs = {
        x: fromStream ? streamOf(x, channels) : stored(x, input),
        w: stored(packDepthwise(weight, window ** 2, channels, new Float32Array(weight.length)), dtype),
        b,
      };
      const all: DepthwiseShape = {
        ...shape,
        ...(fromStream && { rowOfX: channels + channels / 16 }),
        dtypes: { input, weight: dtype, output },
      };
      const length = images * side * side * (stream ? channels + channels / 16 : channels);
      const y = await runKernel(device, kernel, all, inputs, length, output);
      const exact = [rounded(x, input), rounded(weight, dtype)] as const;
      const expected = Array.from({ length: images }, (_, i) => [
        ...convolved(shape, exact[0].subarray(i * pixels, (i + 1) * pixels), exact[1], b),
      ]).flat();
      return { actual: numbersOf(y, output), expected: stream ? streamOf(expected, channels) : expected };
    },
  };
}

export const cases: KernelCase[] = [
  depthwiseCase('ConvNeXt, stage 1', { side: 56, channels: 128, kernel: 7, stream: true }, 'f32', true),
  depthwiseCase('ConvNeXt, stage 3', { side: 14, channels: 512, kernel: 7, stream: true }, 'f32', true),
  depthwiseCase('ConvNeXt, stage 4, two images', { images: 2, side: 7, channels: 1024, kernel: 7, stream: true }, 'f32', true),
  depthwiseCase('ConvNeXt, stage 4', { side: 7, channels: 64, kernel: 7, stream: true }, 'f16', true),
  depthwiseCase('MobileNet, first', { side: 112, channels: 16, kernel: 3, activation: 'relu' }),
  depthwiseCase('MobileNet', { side: 56, channels: 64, kernel: 3, stride: 2, activation: 'relu' }),
  depthwiseCase('MobileNet', { side: 28, channels: 80, kernel: 5, stride: 2, activation: 'relu' }),
  depthwiseCase('MobileNet', { side: 14, channels: 240, kernel: 3, stride: 2, activation: 'hardSwish' }),
  depthwiseCase('MobileNet, two images', { images: 2, side: 7, channels: 672, kernel: 5, stride: 2, activation: 'hardSwish' }),
  depthwiseCase('MobileNet', { images: 2, side: 14, channels: 208, kernel: 3, activation: 'hardSwish' }, 'f16'),
  depthwiseCase('a side of two', { side: 2, channels: 4, kernel: 5 }),
  depthwiseCase('two pixels a thread', { side: 7, channels: 128, kernel: 7, stream: true }, 'f32', true, depthwiseSmall),
  depthwiseCase('two pixels a thread', { side: 14, channels: 48, kernel: 5, stride: 2, activation: 'relu' }, 'f32', false, depthwiseSmall),
  depthwiseCase('one pixel', { side: 1, channels: 64, kernel: 7, stream: true }),
];
