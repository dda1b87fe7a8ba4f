/** What a detector's layers do to one map, in plain TypeScript and float64, after PyTorch's modules. */
import type { Crop } from '../../src/detect/boxes.ts';
import type { RawPicture } from '../../src/image/source.ts';

/** [height, width, channels]. */
export interface Map3 {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Float64Array;
}

/** A part of a picture, resized by area averaging, less 127.5, divided by 128. */
export function averaged({ data, width: stride }: RawPicture, { left, top, width, height }: Crop, wide: number, high: number): Map3 {
  const out = new Float64Array(wide * high * 3);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        let count = 0;
        for (let j = Math.floor((y * height) / high); j < Math.ceil(((y + 1) * height) / high); j++)
          for (let i = Math.floor((x * width) / wide); i < Math.ceil(((x + 1) * width) / wide); i++) {
            sum += data[((top + j) * stride + left + i) * 4 + c] as number;
            count++;
          }
        out[(y * wide + x) * 3 + c] = (sum / count - 127.5) / 128;
      }
  return { width: wide, height: high, channels: 3, data: out };
}

/** Valid convolution with PyTorch's weight [out, in, window, window], then PReLU. */
export function convolved(x: Map3, weight: Float32Array, bias: Float32Array, slopes: Float32Array | undefined, window: number): Map3 {
  const [width, height, channels] = [x.width - window + 1, x.height - window + 1, bias.length];
  const data = new Float64Array(width * height * channels);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let o = 0; o < channels; o++) {
        let sum = bias[o] as number;
        for (let j = 0; j < window; j++)
          for (let i = 0; i < window; i++)
            for (let c = 0; c < x.channels; c++)
              sum +=
                (x.data[((row + j) * x.width + column + i) * x.channels + c] as number) *
                (weight[((o * x.channels + c) * window + j) * window + i] as number);
        data[(row * width + column) * channels + o] = sum < 0 && slopes ? sum * (slopes[o] as number) : sum;
      }
  return { width, height, channels, data };
}

/** PyTorch's max_pool2d with ceil_mode. */
export function pooled(x: Map3, window: number, step: number): Map3 {
  const after = (side: number): number => {
    const count = Math.ceil((side - window) / step) + 1;
    return (count - 1) * step >= side ? count - 1 : count;
  };
  const [width, height] = [after(x.width), after(x.height)];
  const data = new Float64Array(width * height * x.channels);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let c = 0; c < x.channels; c++) {
        let best = -Infinity;
        for (let j = row * step; j < Math.min(row * step + window, x.height); j++)
          for (let i = column * step; i < Math.min(column * step + window, x.width); i++)
            best = Math.max(best, x.data[(j * x.width + i) * x.channels + c] as number);
        data[(row * width + column) * x.channels + c] = best;
      }
  return { width, height, channels: x.channels, data };
}
