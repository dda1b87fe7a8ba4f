import { type Answer, dot, inRows, kept, list, relu } from './answer.ts';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';
import wgsl from './mlpHead.wgsl';
import finite from './parts/finite.wgsl';
import rowTimes from './parts/rowTimes.wgsl';

/** A prediction head: tokens `first`, `first + 1`, ... of an image, each through its MLP to `out` numbers. */
export interface Head {
  first: number;
  count: number;
  out: number;
}

export interface MlpHeadShape extends Images {
  heads: readonly Head[];
  /** Tokens of one image, and numbers from one's row to the next. */
  tokens: number;
  stride: number;
  /** How the weights are stored; float32 by default. */
  dtype?: Dtype;
}

const WIDTH = 256;

/** Numbers of a row of the last layer's weight. */
export const paddedOutputs = (out: number): number => 4 * tiles(out, 4);

const answer: Answer<MlpHeadShape> = ({ heads, stride }, { x, w, b }) => {
  const answers = placesOf(heads).places.map(({ first, count, out, w: fromW, b: fromB, y: begin }) => {
    const layer = (from: readonly number[], i: number, outputs: number, o: number) =>
      b(fromB + i * WIDTH + o) + dot(from, w, fromW + i * WIDTH * WIDTH + o, outputs);
    const hidden = kept((token) => {
      const one = list(WIDTH, (k) => x((first + token) * stride + k));
      const two = list(WIDTH, (o) => relu(layer(one, 0, WIDTH, o)));
      return list(WIDTH, (o) => relu(layer(two, 1, WIDTH, o)));
    });
    return { begin, end: begin + count * out, answer: inRows(out, (token, o) => layer(hidden(token), 2, paddedOutputs(out), o)) };
  });
  return (i) => {
    const own = answers.find(({ begin, end }) => i >= begin && i < end);
    return own ? own.answer(i - own.begin) : Number.NaN;
  };
};

/** @param threads of a workgroup, 64 or 256 */
const of = /* @__NO_SIDE_EFFECTS__ */ (threads: number) =>
  defineKernel(
    'mlpHead',
    [wgsl, rowTimes, finite],
    ({ heads, tokens, stride, images = 1, dtype = 'f32' }: MlpHeadShape) => ({
      constants: { TOKENS: tokens, X_ROW: stride / 4 },
      machine: { THREADS: threads, weight: dtype },
      workgroups: [heads.reduce((sum, { count }) => sum + count, 0), images, 1],
      macs: heads.reduce((sum, { count, out }) => sum + images * count * WIDTH * (2 * WIDTH + out), 0),
    }),
    answer,
  );

export const mlpHead = of(256);

/** The variant for CPUs that run WebGPU, as `tokenUpdateSmall`. */
export const mlpHeadSmall = of(64);

/**
 * Where each head's weights, biases and numbers of one image begin, and how many there are of all. Those in y begin at multiples of 64, so that each
 * head's can be bound as a buffer's part.
 */
export function placesOf(heads: readonly Head[]) {
  const size = { w: 0, b: 0, y: 0 };
  const places = heads.map((head) => {
    const place = { ...head, ...size };
    size.w += WIDTH * (2 * WIDTH + paddedOutputs(head.out));
    size.b += 2 * WIDTH + head.out;
    size.y += tiles(head.count * head.out, 64) * 64;
    return place;
  });
  return { places, size };
}

/** The kernel's `t`: 8 numbers a workgroup. */
export const headTable = (heads: readonly Head[]): Uint32Array =>
  Uint32Array.from(
    placesOf(heads).places.flatMap(({ first, count, out, w, b, y }) =>
      list(count, Number).flatMap((i) => [first + i, w / 4, b, out, y, i * out, count * out, 0]),
    ),
  );
