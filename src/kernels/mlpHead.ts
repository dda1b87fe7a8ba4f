import { dot, inRows, kept, list, relu } from './answer.ts';
import { type Dtype, defineKernel } from './kernel.ts';
import wgsl from './mlpHead.wgsl';
import finite from './parts/finite.wgsl';

/** A prediction head: tokens `first`, `first + 1`, ... of an image, each through its MLP to `out` numbers. */
export interface Head {
  first: number;
  count: number;
  out: number;
}

export interface MlpHeadShape {
  heads: readonly Head[];
  /** Tokens of one image, and numbers from one's row to the next. */
  tokens: number;
  stride: number;
  images?: number;
  /** How the weights are stored; float32 by default. */
  dtype?: Dtype;
}

const WIDTH = 256;

export const mlpHead = defineKernel(
  'mlpHead',
  [wgsl, finite],
  ({ heads, tokens, stride, images = 1, dtype = 'f32' }: MlpHeadShape) => ({
    constants: { TOKENS: tokens, X_ROW: stride },
    machine: { weight: dtype },
    workgroups: [heads.reduce((sum, { count }) => sum + count, 0), images, 1],
    macs: heads.reduce((sum, { count, out }) => sum + images * count * WIDTH * (2 * WIDTH + out), 0),
  }),
  ({ heads, stride }, { x, w, b }) => {
    const { offsets } = headOffsets(heads);
    let [firstW, firstB] = [0, 0];
    const answers = heads.map((head, h) => {
      const { first, count, out } = head;
      const [fromW, fromB] = [firstW, firstB];
      firstW += headWeights(head);
      firstB += headBiases(head);
      const layer = (from: readonly number[], i: number, outputs: number, o: number) =>
        b(fromB + i * WIDTH + o) + dot(from, w, fromW + i * WIDTH * WIDTH + o, outputs);
      const hidden = kept((token) => {
        const one = list(WIDTH, (k) => x((first + token) * stride + k));
        const two = list(WIDTH, (o) => relu(layer(one, 0, WIDTH, o)));
        return list(WIDTH, (o) => relu(layer(two, 1, WIDTH, o)));
      });
      const begin = offsets[h] as number;
      return { begin, end: begin + count * out, answer: inRows(out, (token, o) => layer(hidden(token), 2, out, o)) };
    });
    return (i) => {
      const own = answers.find(({ begin, end }) => i >= begin && i < end);
      return own ? own.answer(i - own.begin) : Number.NaN;
    };
  },
);

/** Numbers of a head's weights, and of its biases. */
export const headWeights = ({ out }: Head): number => WIDTH * (2 * WIDTH + out);
export const headBiases = ({ out }: Head): number => 2 * WIDTH + out;

/** Where each head's numbers of one image begin in y, and how many there are: multiples of 64, so that each can be bound as a buffer's part. */
export function headOffsets(heads: readonly Head[]): { offsets: number[]; length: number } {
  let length = 0;
  const offsets = heads.map(({ count, out }) => {
    const offset = length;
    length += Math.ceil((count * out) / 64) * 64;
    return offset;
  });
  return { offsets, length };
}

/** The kernel's `t`: 8 numbers a workgroup. */
export function headTable(heads: readonly Head[]): Uint32Array {
  const { offsets } = headOffsets(heads);
  let [w, b] = [0, 0];
  const rows: number[] = [];
  for (const [h, head] of heads.entries()) {
    const { first, count, out } = head;
    for (let i = 0; i < count; i++) rows.push(first + i, w, b, out, offsets[h] as number, i * out, count * out, 0);
    w += headWeights(head);
    b += headBiases(head);
  }
  return Uint32Array.from(rows);
}
