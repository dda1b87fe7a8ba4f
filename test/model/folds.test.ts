/**
 * Constants that are folded into weights, each against the layers that it stands for: random numbers for the checkpoint's tensors, the
 * network's own parameters made of them in float64, and both ways to the same sums.
 */

import { describe, expect, it } from 'vitest';
import { readConfig, tensorsOf } from '../../src/face/config.ts';
import type { Node, Parameter, Tensor } from '../../src/graph/graph.ts';
import { TILE_COLS } from '../../src/kernels/matmul/role.ts';
import { network } from '../../src/model/network.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { headsAttention, linear, relu, rowsOf } from '../kernels/float64.ts';
import { randomValues } from '../kernels/run.ts';

const EPS = 1e-5;
/** Squared, as NMSE is, of sums that differ in their order alone. */
const NMSE = 1e-24;

const tensors = tensorsOf('paper');
const config = readConfig(tensors);
const { nodes } = network(config);

const seedOf = (name: string): number => [...name].reduce((seed, letter) => (Math.imul(seed, 31) + letter.charCodeAt(0)) | 0, 7);

/** A tensor of the checkpoint; variances are positive. */
function random(name: string): Float32Array {
  const { shape } = tensors.get(name) ?? { shape: undefined };
  if (!shape) throw new Error(`no tensor ${name}`);
  const values = randomValues(
    shape.reduce((product, size) => product * size, 1),
    seedOf(name),
  );
  return name.endsWith('running_var') ? values.map((value) => 1.5 + value) : values;
}

const layer = (path: string) => [random(`${path}.weight`), random(`${path}.bias`)] as const;

function nodeOf(name: string): Node {
  const found = nodes.find((node) => node.name === name);
  if (!found) throw new Error(`no node ${name}`);
  return found;
}

/** What a dispatch's binding is given, not rounded to float32; what a product in shares reads is given to the dispatch before. */
function given(summed: Node, binding: string): Float64Array {
  const inShares = /^sum(Conv)?Shares$/.test(summed.kernel.name) && /^[ws]$/.test(binding);
  const node = inShares ? (summed.inputs[0] as Tensor).node : summed;
  const parameter = node.inputs[node.kernel.bindings.findIndex(({ name }) => name === binding)] as Parameter;
  expect(parameter.kind).toBe('parameter');
  const values = new Float64Array(parameter.length);
  for (const _ of parameter.steps(values as unknown as Float32Array, parameter.from.map(random))); // written element by element, whatever its precision
  return values;
}

/** A packed weight as PyTorch has it: [cols, inner] */
function unpacked(packed: Float64Array, cols: number, inner: number): Float64Array {
  return Float64Array.from({ length: cols * inner }, (_, i) => {
    const [n, k] = [Math.floor(i / inner), i % inner];
    return packed[(Math.floor(n / TILE_COLS) * inner + k) * TILE_COLS + (n % TILE_COLS)] as number;
  });
}

/** (x - mean) / sqrt(variance + eps) of each row. */
function normed(x: ArrayLike<number>, width: number): Float64Array {
  const rows = rowsOf(x, width).map((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    return row.map((value) => (value - mean) / Math.sqrt(variance + EPS));
  });
  return Float64Array.from(rows.flatMap((row) => [...row]));
}

const layerNorm = (x: ArrayLike<number>, path: string, width: number): Float64Array => {
  const [gamma, beta] = layer(path);
  return normed(x, width).map((value, i) => value * (gamma[i % width] as number) + (beta[i % width] as number));
};

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>) => expect(nmse(actual, expected)).toBeLessThanOrEqual(NMSE);

describe('a norm in the layer that follows', () => {
  it.for([
    { block: 'backbone.0.1.0', norm: 'norm1', of: 'attn.qkv', channels: 128, cols: 384, queries: 128 },
    { block: 'backbone.0.3.1', norm: 'norm2', of: 'mlp.0', channels: 256, cols: 1024, queries: 0 },
  ])('$of after $norm, its queries scaled', ({ block, norm, of, channels, cols, queries }) => {
    const node = nodeOf(`${block}.${norm} + ${of}`);
    const x = randomValues(3 * channels, 1);
    const expected = linear(layerNorm(x, `${block}.${norm}`, channels), ...layer(`${block}.${of}`)).map((value, i) =>
      i % cols < queries ? value / Math.sqrt(32) : value,
    );
    close(linear(normed(x, channels), unpacked(given(node, 'w'), cols, channels), given(node, 'b')), expected);
  });

  it('patch merging, which has no bias', () => {
    const [path, inner, cols] = ['backbone.0.2', 512, 256];
    const node = nodeOf(path);
    const x = randomValues(2 * inner, 2);
    const expected = linear(layerNorm(x, `${path}.norm`, inner), random(`${path}.reduction.weight`), new Float64Array(cols));
    close(linear(normed(x, inner), unpacked(given(node, 'w'), cols, inner), given(node, 'b')), expected);
  });
});

it('the linear layers of four scales in the 1x1 convolution that joins them', () => {
  // One pixel: upsampling, which all of it commutes with, is left out.
  const pixels = [0, 1, 2, 3].map((i) => randomValues(128 << i, 10 + i));
  const joined = pixels.map((x, i) => linear(x, ...layer(`linear_c.${i}.proj`))).reverse();
  const fuse = random('linear_fuse.weight');
  const expected = linear(Float64Array.from(joined.flatMap((one) => [...one])), fuse, new Float64Array(256));
  const sum = new Float64Array(256);
  for (const [i, x] of pixels.entries()) {
    const node = nodeOf(`linear_c.${i} fused`);
    const scaled = linear(x, unpacked(given(node, 'w'), 256, 128 << i), given(node, 'b'));
    for (const [n, value] of scaled.entries()) (sum[n] as number) += value;
  }
  close(sum, expected);
});

const TRANSFORMER = 'face_decoder.transformer';
const FIRST = `${TRANSFORMER}.layers.0`;

/** The task tokens in the decoder's order: [95, 256] */
const tasks = Float64Array.from(config.heads.flatMap(({ tokens }) => [...random(`face_decoder.${tokens}.weight`)]));
const plus = (a: ArrayLike<number>, b: ArrayLike<number>) => Float64Array.from(a, (value, i) => value + (b[i] as number));

describe('the decoder', () => {
  it('its first layer up to the queries to the face', () => {
    const part = (name: string) => rowsOf(linear(tasks, ...layer(`${FIRST}.self_attn.${name}`)), 256);
    const attended = headsAttention(8, part('q_proj'), part('k_proj'), part('v_proj'));
    const tokens = layerNorm(linear(attended, ...layer(`${FIRST}.self_attn.out_proj`)), `${FIRST}.norm1`, 256);
    const attention = `${FIRST}.cross_attn_token_to_image`;
    const update = nodeOf(`${attention}.out_proj + norm2`);
    close(given(update, 'r'), tokens);
    close(given(nodeOf(`${attention}.attention`), 'q'), linear(plus(tokens, tasks), ...layer(`${attention}.q_proj`)));
  });

  it('the tokens’ encoding in what is projected from them after the MLP', () => {
    const update = nodeOf(`${FIRST}.mlp.lin2 + norm3`);
    const toTask = `${FIRST}.cross_attn_image_to_token`;
    const next = `${TRANSFORMER}.layers.1.self_attn`;
    const tokens = Float64Array.from(randomValues(95 * 256, 20));
    const encoded = plus(tokens, tasks);
    const of = (path: string, x: Float64Array, scale = 1) =>
      rowsOf(
        linear(x, ...layer(path)).map((value) => scale * value),
        random(`${path}.bias`).length,
      );
    const parts = [
      of(`${toTask}.k_proj`, encoded),
      of(`${toTask}.v_proj`, tokens),
      of(`${next}.q_proj`, encoded, 1 / Math.sqrt(32)),
      of(`${next}.k_proj`, encoded),
      of(`${next}.v_proj`, tokens),
    ];
    const expected = Array.from({ length: 95 }, (_, t) => parts.flatMap((part) => [...(part[t] as Float64Array)])).flat();
    const cols = expected.length / 95;
    const matrix = given(update, 'w').subarray(2048 * 256); // P [256][cols], behind lin2's
    const projected = rowsOf(tokens, 256).flatMap((row) => {
      const sums = new Float64Array(cols);
      for (const [k, value] of row.entries())
        for (let n = 0; n < cols; n++) (sums[n] as number) += value * (matrix[k * cols + n] as number);
      return [...sums];
    });
    close(plus(projected, given(update, 'c')), expected);
  });

  it('the map’s encoding in the face’s keys, values and queries', () => {
    const [toFace, toTask] = [`${FIRST}.cross_attn_token_to_image`, `${FIRST}.cross_attn_image_to_token`];
    const node = nodeOf(`${toFace} and back`);
    const matrix = random('pe_layer.positional_encoding_gaussian_matrix');
    const encoded = Float64Array.from({ length: 56 * 56 * 256 }, (_, i) => {
      const [x, y] = [Math.floor(i / 256) % 56, Math.floor(i / 256 / 56)].map((at) => (2 * (at + 0.5)) / 56 - 1) as [number, number];
      const angle = 2 * Math.PI * (x * (matrix[i % 128] as number) + y * (matrix[128 + (i % 128)] as number));
      return i % 256 < 128 ? Math.sin(angle) : Math.cos(angle);
    });
    const face = Float64Array.from(randomValues(3 * 256, 21));
    const sums = linear(face, unpacked(given(node, 'w'), 384, 256), given(node, 'b'));
    for (const first of [1000, 3000]) {
      const some = encoded.subarray(first * 256, (first + 3) * 256);
      const parts = [
        linear(plus(face, some), ...layer(`${toFace}.k_proj`)),
        linear(face, ...layer(`${toFace}.v_proj`)),
        linear(plus(face, some), ...layer(`${toTask}.q_proj`)),
      ].map((part) => rowsOf(part, 128));
      const expected = [0, 1, 2].flatMap((r) => parts.flatMap((part) => [...(part[r] as Float64Array)]));
      close(plus(sums, given(node, 'r').subarray(first * 384, (first + 3) * 384)), expected);
    }
  });
});

describe('batch norms in the hourglass’ convolutions', () => {
  const path = 'face_decoder.landmarks_hourglass.stacks.1.hourglass.low1';

  /** torch.nn.BatchNorm2d at inference on rows of channels. */
  function batchNorm(x: ArrayLike<number>, bn: string): Float64Array {
    const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => random(`${bn}.${name}`));
    return Float64Array.from(x, (value, i) => {
      const c = i % (weight?.length as number);
      const scaled = (value - (mean?.[c] as number)) / Math.sqrt((variance?.[c] as number) + EPS);
      return scaled * (weight?.[c] as number) + (bias?.[c] as number);
    });
  }

  it('before and after a 1x1 convolution', () => {
    const node = nodeOf(`${path}.conv1`);
    const x = randomValues(3 * 256, 30);
    const expected = batchNorm(linear(batchNorm(x, `${path}.bn1`).map(relu), ...layer(`${path}.conv1`)), `${path}.bn2`);
    const affine = given(node, 's');
    const before = Float64Array.from(x, (value, i) => relu(value * (affine[i % 256] as number) + (affine[256 + (i % 256)] as number)));
    close(linear(before, unpacked(given(node, 'w'), 128, 256), given(node, 'b')), expected);
  });

  it('after a 3x3 convolution', () => {
    const node = nodeOf(`${path}.conv2`);
    const [weight, bias] = layer(`${path}.conv2`);
    const patch = randomValues(9 * 128, 31); // the nine pixels of one, channels last
    const own = Float64Array.from(weight, (_, i) => {
      const [n, tap, k] = [Math.floor(i / (9 * 128)), Math.floor(i / 128) % 9, i % 128];
      return weight[(n * 128 + k) * 9 + tap] as number;
    });
    const expected = batchNorm(linear(patch, own, bias), `${path}.bn3`);
    close(linear(patch, unpacked(given(node, 'w'), 128, 9 * 128), given(node, 'b')), expected);
  });
});
