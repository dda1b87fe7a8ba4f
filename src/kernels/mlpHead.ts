import { defineKernel } from './kernel.ts';
import wgsl from './mlpHead.wgsl';

export interface MlpHeadShape {
  /** First token that the head reads, and how many follow each other. */
  first: number;
  tokens: number;
  out: number;
}

export const mlpHead = defineKernel('mlpHead', wgsl, ({ first, tokens, out }: MlpHeadShape) => ({
  constants: { FIRST: first, OUT: out },
  workgroups: [tokens, 1, 1],
  macs: tokens * 256 * (512 + out),
}));

/** Three layers' weights [out, in] and biases as the kernel reads them: W1^T, b1, W2^T, b2, W3^T, b3. */
export function packMlp(layers: readonly { weight: ArrayLike<number>; bias: ArrayLike<number> }[]): Float32Array {
  const packed = new Float32Array(layers.reduce((sum, { weight, bias }) => sum + weight.length + bias.length, 0));
  let at = 0;
  for (const { weight, bias } of layers) {
    const out = bias.length;
    const inner = weight.length / out;
    for (let i = 0; i < inner; i++) for (let o = 0; o < out; o++) packed[at + i * out + o] = weight[o * inner + i] as number;
    at += inner * out;
    packed.set(bias, at);
    at += out;
  }
  return packed;
}
