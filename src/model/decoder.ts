/**
 * The two-way transformer in fifteen dispatches (paper section 3.2; official network/models/transformer.py, after Segment Anything's).
 * Post-norm, width 256, 8 heads; cross-attention has an inner width of 128. What does not depend on the picture, the first layer up to
 * its queries to the face, is a constant of the weights (first-tokens.ts).
 */
import type { Parameter, Tensor } from '../graph/graph.ts';
import { packWeight, transposed } from '../kernels/matmul/role.ts';
import type { TaskToFaceShape } from '../kernels/taskToFace.ts';
import { type TokenUpdateShape, updateInner } from '../kernels/tokenUpdate.ts';
import { firstTokens } from './first-tokens.ts';
import { multiply } from './fold.ts';
import type { PlacedHead } from './heads.ts';
import { firstOf, HEAD_SCALE, lastOf, packed, product, productInShares, rowsOf, rowsOfTensor, SWIN_EPS, sideOf, stored } from './layers.ts';
import { type PositionEncoding, type Projection, positionEncoding, projections, taskTokens } from './position-encoding.ts';
import { DEPTH, HEADS, INNER, WIDTH } from './sizes.ts';
import type { Decoded, Target } from './target.ts';
import type { Weights } from './weights.ts';

/** The tokens after an update, and where the columns that were projected from them begin. */
interface Tokens {
  readonly operand: Tensor | Parameter;
  readonly stride: number;
  /** Whether the rows are of one image, the same for all. */
  readonly repeats?: boolean;
}

/** What the layers share. */
interface Decoder {
  readonly t: Target;
  readonly taskEncoding: PositionEncoding;
}

const tokensOf = (updated: Tensor): Tokens => ({ operand: updated, stride: lastOf(updated.shape) });

/** @param w `face_decoder`; `root`: the network's, whose `pe_layer` is the map's position encoding */
export function decode(t: Target, face: Tensor, heads: readonly PlacedHead[], w: Weights, root: Weights): Decoded {
  const side = sideOf(t, face);
  const d: Decoder = { t, taskEncoding: taskTokens(heads, w) };
  const faceEncoding = positionEncoding(side, root);
  const transformer = w.at('transformer');
  const layers = transformer.at('layers');
  const final = transformer.at('final_attn_token_to_image');
  const { tokens: first, queries } = firstTokens(t, d.taskEncoding, layers.at(0));
  let image = face;
  let tokens: Tokens = { operand: first, stride: WIDTH, repeats: true };
  let q: Queries = { operand: queries, stride: INNER, offset: 0, repeats: true };
  for (let i = 0; i < DEPTH; i++) {
    const layer = layers.at(i);
    // 1. Task self-attention; in the first layer it is a constant.
    if (i > 0) {
      const updated = selfAttend(d, tokens, layer);
      tokens = tokensOf(updated);
      q = { ...tokens, offset: WIDTH };
    }
    // 2. Task-to-face attention. The face's keys and values, and its queries for step 4, are one product.
    const toFace = layer.at('cross_attn_token_to_image');
    const toTask = layer.at('cross_attn_image_to_token');
    const keys = projections(t, `${toFace.path} and back`, image, faceEncoding, [
      ...keysAndValues(toFace),
      { w: toTask.at('q_proj'), encoded: true },
    ]);
    const seen = attendToFace(d, q, keys, tokens, toFace, layer.at('norm2'));
    // 3. MLP, in float32 as all of the tokens; with what the steps after it read of them.
    const lin1 = layer.at('mlp.lin1');
    const [weight, bias] = [packed(t, lin1, 2048, WIDTH), stored(t.graph, 2048, lin1.get('bias', [2048]))];
    const hidden = product(t, lin1.path, rowsOfTensor(seen, WIDTH), { weight, bias, cols: 2048, activation: 'relu', dtype: 'f32' });
    const next = i + 1 < DEPTH ? selfProjections(layers.at(i + 1)) : [{ w: final.at('q_proj'), cols: INNER, encoded: true }];
    const thought = update(d, layer.at('mlp.lin2'), layer.at('norm3'), {
      x: hidden,
      source: { kind: 'rows', inner: 2048 },
      residual: tokensOf(seen),
      projected: [{ w: toTask.at('k_proj'), cols: INNER, encoded: true }, { w: toTask.at('v_proj'), cols: INNER }, ...next],
    });
    // 4. Face-to-task attention
    image = attendToTasks(d, keys, thought, image, toTask, layer.at('norm4'));
    tokens = tokensOf(thought);
    q = { ...tokens, offset: WIDTH + 2 * INNER };
    tap(d, `decoder${i}.tokens`, thought);
    t.graph.tap(`decoder${i}.image`, image, [1, side * side, WIDTH]);
  }
  const keys = projections(t, final.path, image, faceEncoding, keysAndValues(final));
  const decoded = attendToFace(d, q, keys, tokens, final, transformer.at('norm_final_attn'));
  tap(d, 'decoder.tokens', decoded);
  return { tokens: decoded, face: image };
}

/** The projections of the face that the tasks' queries attend to. */
const keysAndValues = (w: Weights): Projection[] => [{ w: w.at('k_proj'), encoded: true }, { w: w.at('v_proj') }];

function tap({ t, taskEncoding }: Decoder, name: string, tensor: Tensor): void {
  t.graph.tap(name, tensor, [1, taskEncoding.rows, WIDTH], (values) => firstOf(values, WIDTH, lastOf(tensor.shape)));
}

/** Queries of the tasks: columns of the token tensor, or a constant. */
interface Queries extends Tokens {
  readonly offset: number;
}

/** norm(tokens + out_proj(attention of the tokens among themselves)), and the queries to the face. */
function selfAttend(d: Decoder, tokens: Tokens, w: Weights): Tensor {
  return update(d, w.at('self_attn.out_proj'), w.at('norm1'), {
    x: tokens.operand as Tensor,
    source: { kind: 'attention', first: WIDTH + 2 * INNER },
    residual: tokens,
    projected: [{ w: w.at('cross_attn_token_to_image.q_proj'), cols: INNER, encoded: true }],
  });
}

const selfProjections = (w: Weights): Projected[] => [
  { w: w.at('self_attn.q_proj'), cols: WIDTH, encoded: true, scale: HEAD_SCALE },
  { w: w.at('self_attn.k_proj'), cols: WIDTH, encoded: true },
  { w: w.at('self_attn.v_proj'), cols: WIDTH },
];

/** norm(tokens + out_proj(attention of the tasks to the face)); `keys` holds k in its first INNER columns and v in the next. */
function attendToFace(d: Decoder, q: Queries, keys: Tensor, tokens: Tokens, w: Weights, norm: Weights): Tensor {
  const { t, taskEncoding } = d;
  const { images } = t.graph;
  const stride = lastOf(keys.shape);
  const shape: TaskToFaceShape = {
    tokens: taskEncoding.rows,
    keys: rowsOf(keys.shape) / images,
    heads: HEADS,
    kStride: stride,
    vStride: stride,
    vOffset: INNER,
    qStride: q.stride,
    qOffset: q.offset,
    qRepeats: q.repeats ?? false,
    images,
    dtype: t.dtype,
  };
  const { kernel, sharesOf } = t.kernels.taskToFace;
  const shares = sharesOf(shape);
  const x = t.graph.add(`${w.path}.attention`, kernel, shape, { q: q.operand, k: keys, v: keys }, [
    images * shape.tokens,
    HEADS,
    shares,
    20,
  ]);
  return update(d, w.at('out_proj'), norm, { x, source: { kind: 'shares', shares }, residual: tokens, projected: [] });
}

/** norm(image + out_proj(attention of the face to the tasks)) */
function attendToTasks({ t, taskEncoding }: Decoder, keys: Tensor, thought: Tensor, image: Tensor, w: Weights, norm: Weights): Tensor {
  const { images } = t.graph;
  const shape = {
    positions: rowsOf(image.shape) / images,
    tokens: taskEncoding.rows,
    images,
    qStride: lastOf(keys.shape),
    qOffset: 2 * INNER,
    tOffset: WIDTH,
    eps: SWIN_EPS,
    dtype: t.dtype,
  };
  const out = w.at('out_proj');
  const name = out.get('weight', [WIDTH, INNER]);
  const weight = t.graph.parameter(`${name} transposed`, [name], INNER * WIDTH, t.dtype, (into, [own]) => transposed(own, WIDTH, into));
  const inputs = { q: keys, t: thought, w: weight, n: biasAndNorm(t, out, norm), r: image };
  return t.graph.add(together(w, norm), t.kernels.faceUpdate, shape, inputs, image.shape);
}

/** Columns that an update projects from the tokens it made. */
interface Projected {
  readonly w: Weights;
  readonly cols: number;
  /** The tasks' encoding is added before. */
  readonly encoded?: boolean;
  readonly scale?: number;
}

interface Update {
  readonly x: Tensor;
  readonly source: TokenUpdateShape['source'];
  readonly residual: Tokens;
  readonly projected: readonly Projected[];
}

/** norm(residual + w(x)) and its projections: [images * tokens, 256 + cols] */
function update({ t, taskEncoding }: Decoder, w: Weights, norm: Weights, { x, source, residual, projected }: Update): Tensor {
  const { graph, dtype } = t;
  const tokens = taskEncoding.rows;
  const cols = projected.reduce((sum, one) => sum + one.cols, 0);
  const { repeats = false } = residual;
  const inner = updateInner({ source });
  const from = [w.get('weight', [WIDTH, inner]), ...projected.map((one) => one.w.get('weight', [one.cols, WIDTH]))] as const;
  const length = inner * WIDTH + WIDTH * cols;
  const weight = graph.parameter(`${from.join(' + ')} updating`, from, length, dtype, (into, [own, ...others]) => {
    packWeight(own, WIDTH, inner, into);
    const side = into.subarray(inner * WIDTH);
    let at = 0;
    for (const [i, one] of projected.entries()) {
      transposed(others[i] as Float32Array, one.cols, side, { stride: cols, first: at, scale: one.scale });
      at += one.cols;
    }
  });
  const n = biasAndNorm(t, w, norm);
  const c = cols > 0 ? biasAndEncoding(t, projected, cols, taskEncoding) : n;
  const seen = inShares(t, w.path, { x, source }, weight);
  const shape: TokenUpdateShape = { tokens, images: graph.images, source: seen.source, repeats, cols, eps: SWIN_EPS, dtype };
  const inputs = { x: seen.x, r: residual.operand, w: weight, n, c };
  return graph.add(together(w, norm), t.kernels.tokenUpdate, shape, inputs, [graph.images * tokens, WIDTH + cols]);
}

/**
 * Rows times the weight that an update begins with as a product in shares, where the GPU is one that wants them: a workgroup a token would read all of
 * the weight. Nothing else of what an update reads depends on it.
 */
function inShares(t: Target, name: string, own: Pick<Update, 'x' | 'source'>, weight: Parameter): Pick<Update, 'x' | 'source'> {
  const { x, source } = own;
  if (source.kind !== 'rows' || t.kernels.matmul.sharesOf({ rows: rowsOf(x.shape), inner: source.inner, cols: WIDTH }) === 1) return own;
  const { tensor, shares } = productInShares(t, name, rowsOfTensor(x), { weight, cols: WIDTH });
  return { x: tensor, source: { ...source, kind: 'product', shares } };
}

/** For each token and projected column scale (bias + encoding W^T), in float64: [tokens, cols] */
function biasAndEncoding(
  { graph }: Target,
  projected: readonly Projected[],
  cols: number,
  { name, rows, from, make }: PositionEncoding,
): Parameter {
  const weights = projected.flatMap((one) => [one.w.get('weight', [one.cols, WIDTH]), one.w.get('bias', [one.cols])]);
  const parts = projected.map(({ w, encoded }) => `${w.path}${encoded ? ' encoded' : ''}`);
  return graph.parameter(`${name} x ${parts.join(' + ')} + bias`, [...from, ...weights], rows * cols, 'f32', (into, sources) => {
    const encoding = make(sources);
    let first = 0;
    for (const [i, one] of projected.entries()) {
      const [weight, bias] = sources.slice(from.length + 2 * i) as [Float32Array, Float32Array];
      if (one.encoded) multiply(encoding, new Float64Array(weight), WIDTH, { values: into, cols, first });
      for (let r = 0; r < rows; r++)
        for (let n = 0; n < one.cols; n++) {
          const at = r * cols + first + n;
          into[at] = (one.scale ?? 1) * ((into[at] as number) + (bias[n] as number));
        }
      first += one.cols;
    }
  });
}

/** A dispatch's name: the layer's path, and the norm's own name. */
const together = (w: Weights, norm: Weights): string => `${w.path} + ${norm.path.split('.').at(-1)}`;

/** Bias of a linear layer, then gamma and beta of the norm after it: [3, 256] */
const biasAndNorm = ({ graph }: Target, w: Weights, norm: Weights): Parameter =>
  stored(graph, 3 * WIDTH, w.get('bias', [WIDTH]), norm.get('weight', [WIDTH]), norm.get('bias', [WIDTH]));
