/**
 * What MTCNN's networks have to give, in float64 on the CPU, after facenet-pytorch's modules, line by line: the self-test asks it of a small picture
 * (self-test.ts), and tests take it for the kernels' and the whole detector's twin.
 */
import type { Size } from '../image/crop.ts';
import type { RawPicture } from '../image/source.ts';
import type { Crop } from './boxes.ts';
import type { FinalJudgement, Judgement, Level, Networks, Proposal } from './cascade.ts';
import { LAST, type Layer, O, O_SIDE, P, R, R_SIDE } from './layers.ts';
import { biasOf, kernelOf, tensorOf, type Weights } from './weights.ts';

/** [height, width, channels]. */
export interface Map3 extends Size {
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
export function convolved(x: Map3, weight: Float32Array, bias: ArrayLike<number>, slopes: Float32Array | undefined, window: number): Map3 {
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

/** The three networks over one picture. */
export function answers(weights: Weights, picture: RawPicture): Networks {
  const through = (net: string, layers: readonly Layer[], input: Map3): Map3 =>
    layers.reduce((x, layer) => {
      const { window, pool, step = 1, outer, slopes } = layer;
      const alpha = slopes ? tensorOf(weights, `${net}.${slopes}.weight`, [outer]) : undefined;
      const made = convolved(x, kernelOf(weights, net, layer), biasOf(weights, net, layer), alpha, window);
      return pool ? pooled(made, pool, step) : made;
    }, input);
  const heads: Layer = { weights: ['conv4_1', 'conv4_2'], window: 1, inner: 32, outer: 6 };
  const said = (data: Float64Array): Judgement => ({
    probability: probability(data),
    move: [...data.subarray(2, 6)] as unknown as Judgement['move'],
  });
  return {
    async propose(levels: readonly Level[], atLeast: number) {
      const found: Proposal[] = [];
      for (const [level, { width, height }] of levels.entries()) {
        const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
        const cells = through('pnet', [...P, LAST, heads], averaged(picture, whole, width, height));
        for (let i = 0; i < cells.width * cells.height; i++) {
          const one = said(cells.data.subarray(6 * i, 6 * i + 6));
          if (one.probability >= atLeast) found.push({ level, row: Math.floor(i / cells.width), column: i % cells.width, ...one });
        }
      }
      return found;
    },
    async refine(crops) {
      return crops.map((crop) => said(through('rnet', R, averaged(picture, crop, R_SIDE, R_SIDE)).data));
    },
    async decide(crops) {
      return crops.map((crop): FinalJudgement => {
        const { data } = through('onet', O, averaged(picture, crop, O_SIDE, O_SIDE));
        return { ...said(data), points: [...data.subarray(6)] };
      });
    },
  };
}

/** Of the second class, rounded as PyTorch's softmax in float32 is. */
const probability = ([no, yes]: Float64Array): number => Math.fround(1 / (1 + Math.exp((no as number) - (yes as number))));
