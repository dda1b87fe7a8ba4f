import { activated, inRows, pixelOf, sum } from './answer.ts';
import wgsl from './depthwise.wgsl';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import { ACTIVATIONS, checkStream, type MatmulShape } from './matmul/role.ts';
import activation from './parts/activation.wgsl';
import finite from './parts/finite.wgsl';
import gelu from './parts/gelu.wgsl';
import momentsOfQuad from './parts/momentsOfQuad.wgsl';

export interface DepthwiseShape extends Images {
  /** Side of the output, a square map. */
  side: number;
  /** How many channels a map has, a multiple of 4; of a stream one of 64. */
  channels: number;
  kernel: 3 | 5 | 7;
  /** x is of that many times the side. */
  stride?: 1 | 2;
  activation?: MatmulShape['activation'];
  /** Numbers from one row of x to the next; `channels` unless told otherwise. */
  rowOfX?: number;
  /** y is a stream. */
  stream?: boolean;
  /** How x, w and y are stored; float32 by default. */
  dtypes?: Partial<Record<'input' | 'weight' | 'output', Dtype>>;
}

const THREADS = 64;

/** @param each pixels of a thread */
const of = (each: number) =>
  defineKernel(
    'depthwise',
    [wgsl, activation, gelu, momentsOfQuad, finite],
    (shape: DepthwiseShape) => {
      const { images = 1, side, channels, kernel, stride = 1, activation: act = 'none', rowOfX = channels, stream = false, dtypes } = shape;
      checkStream({ rows: side * side, inner: channels, cols: channels, stream });
      return {
        constants: {
          SIDE: side,
          CHANNELS: channels,
          X_ROW: rowOfX / 4,
          ACTIVATION: ACTIVATIONS.indexOf(act),
          STREAM: Number(stream),
        },
        machine: { KERNEL: kernel, STRIDE: stride, EACH: each, THREADS, ...dtypes },
        workgroups: [tiles((side * tiles(side, each) * channels) / 4, THREADS), 1, images],
        macs: images * side * side * channels * kernel * kernel,
      };
    },
    ({ side, channels, kernel, stride = 1, activation, rowOfX = channels, stream = false }, { x, w, b }) =>
      inRows(
        channels,
        (place, c) => {
          const sums = sum(kernel * kernel, (tap) => {
            const pixel = pixelOf(place, tap, side, kernel, stride);
            return pixel === undefined ? 0 : w(tap * channels + c) * x(pixel * rowOfX + c);
          });
          return activated(activation, b(c) + sums);
        },
        stream,
      ),
  );

export const depthwise = of(4);

/** The variant for GPUs whose threads have 64 registers. */
export const depthwiseSmall = of(2);

/** A depthwise convolution's weight [channels, 1, kernel, kernel] as the kernel reads it: [kernel^2][channels], channels that there are not 0. */
export function packDepthwise(weight: ArrayLike<number>, taps: number, channels: number, into: Float32Array): Float32Array {
  const own = weight.length / taps;
  for (let c = 0; c < own; c++) for (let tap = 0; tap < taps; tap++) into[tap * channels + c] = weight[c * taps + tap] as number;
  return into;
}
