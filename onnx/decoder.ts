/** Fusion, position code and the two-way transformer between tokens and image, as in the released code. */
import { positionEncoding } from '../src/model/position-encoding.ts';
import { DEPTH, HEADS, INNER, WIDTH } from '../src/model/sizes.ts';
import { Weights } from '../src/model/weights.ts';
import type { Graph, Value } from './graph.ts';
import { add, concat, conv, div, layerNorm, linear, matmul, relu, reshape, resizeBilinear, softmax, transpose } from './ops.ts';

const MLP = 2048;

/** Feature maps [1, H, W, D], the finest first, to one map [1, 256, H, W] at the size of the first. */
export function fuse(g: Graph, features: readonly Value[]): Value {
  const size = features[0]?.shape[1] as number;
  const scales = features.map((feature, i) => {
    const [, h, w, channels] = feature.shape as [number, number, number, number];
    const map = reshape(g, transpose(g, feature, 0, 3, 1, 2), [1, channels, h * w]);
    const projected = linear(g, transpose(g, map, 0, 2, 1), `linear_c.${i}.proj`, WIDTH);
    const scale = reshape(g, transpose(g, projected, 0, 2, 1), [1, WIDTH, h, w]);
    return h === size ? scale : resizeBilinear(g, scale, size);
  });
  return conv(g, concat(g, scales.reverse(), 1), 'linear_fuse', { out: WIDTH, kernel: 1, bias: false });
}

/** The image's position code, a constant of the weights: [1, size * size, 256]. */
export function positionCode(g: Graph, size: number): Value {
  const { from, make } = positionEncoding(size, new Weights());
  return g.weight(from[0] as string, [2, WIDTH / 2], {
    shape: [1, size * size, WIDTH],
    convert: (matrix) => {
      const upper = make([matrix]);
      const whole = new Float32Array(2 * upper.length);
      whole.set(upper);
      // The last pixel has the angles of the first negated, the last but one those of the second: their sines change sign.
      for (let at = 0; at < upper.length; at++) {
        const mirrored = (size * size - 1 - Math.floor(at / WIDTH)) * WIDTH + (at % WIDTH);
        whole[mirrored] = (at % WIDTH < WIDTH / 2 ? -1 : 1) * (upper[at] as number);
      }
      return whole;
    },
  });
}

/** tokens [1, T, 256], fused [1, 256, H, W] and its position code to decoded tokens [1, T, 256] and image [1, H * W, 256]. */
export function twoWayTransformer(g: Graph, tokens: Value, fused: Value, imageCode: Value): { tokens: Value; image: Value } {
  const [, , h, w] = fused.shape as [number, number, number, number];
  const name = 'face_decoder.transformer';
  let image = transpose(g, reshape(g, fused, [1, WIDTH, h * w]), 0, 2, 1);
  let queries = tokens;
  for (let layer = 0; layer < DEPTH; layer++)
    ({ queries, image } = twoWayLayer(g, { queries, image, tokens, imageCode }, `${name}.layers.${layer}`, layer === 0));
  const toFace = attention(
    g,
    { q: add(g, queries, tokens), k: add(g, image, imageCode), v: image },
    `${name}.final_attn_token_to_image`,
    INNER,
  );
  return { tokens: layerNorm(g, add(g, queries, toFace), `${name}.norm_final_attn`), image };
}

/** What a layer works on; the token embeddings are the queries' position code. */
interface TwoWay {
  readonly queries: Value;
  readonly image: Value;
  readonly tokens: Value;
  readonly imageCode: Value;
}

function twoWayLayer(
  g: Graph,
  { queries, image, tokens, imageCode }: TwoWay,
  name: string,
  first: boolean,
): { queries: Value; image: Value } {
  if (first) {
    queries = attention(g, { q: queries, k: queries, v: queries }, `${name}.self_attn`, WIDTH);
  } else {
    const q = add(g, queries, tokens);
    queries = add(g, queries, attention(g, { q, k: q, v: queries }, `${name}.self_attn`, WIDTH));
  }
  queries = layerNorm(g, queries, `${name}.norm1`);

  let q = add(g, queries, tokens);
  const k = add(g, image, imageCode);
  queries = add(g, queries, attention(g, { q, k, v: image }, `${name}.cross_attn_token_to_image`, INNER));
  queries = layerNorm(g, queries, `${name}.norm2`);

  const hidden = relu(g, linear(g, queries, `${name}.mlp.lin1`, MLP));
  queries = layerNorm(g, add(g, queries, linear(g, hidden, `${name}.mlp.lin2`, WIDTH)), `${name}.norm3`);

  q = add(g, queries, tokens);
  image = add(g, image, attention(g, { q: k, k: q, v: queries }, `${name}.cross_attn_image_to_token`, INNER));
  return { queries, image: layerNorm(g, image, `${name}.norm4`) };
}

function attention(g: Graph, { q, k, v }: { q: Value; k: Value; v: Value }, name: string, inner: number): Value {
  const size = inner / HEADS;
  const heads = (x: Value, projection: string) =>
    transpose(g, reshape(g, linear(g, x, `${name}.${projection}`, inner), [1, x.shape[1] as number, HEADS, size]), 0, 2, 1, 3);
  const [qs, ks, vs] = [heads(q, 'q_proj'), heads(k, 'k_proj'), heads(v, 'v_proj')];
  const scores = div(g, matmul(g, qs, transpose(g, ks, 0, 1, 3, 2)), g.scalar(Math.sqrt(size)));
  const mixed = transpose(g, matmul(g, softmax(g, scores), vs), 0, 2, 1, 3);
  return linear(g, reshape(g, mixed, [1, q.shape[1] as number, inner]), `${name}.out_proj`, WIDTH);
}
