/**
 * The two-way transformer (paper section 3.2; official network/models/transformer.py, after Segment Anything's): task tokens and
 * face tokens attend to each other. Post-norm, width 256, 8 heads; cross-attention has an inner width of 128.
 */
import type { Parameter, Tensor } from '../graph/graph.ts';
import type { FaceToTaskShape } from '../kernels/faceToTask.ts';
import { packWeight, paddedCols } from '../kernels/matmul.ts';
import type { TaskToFaceShape } from '../kernels/taskToFace.ts';
import { taskToFaceMerge } from '../kernels/taskToFaceMerge.ts';
import { tokenAttention } from '../kernels/tokenAttention.ts';
import type { Config } from './config.ts';
import { lastOf, linear, norm, product, type Rows, rowsOf, rowsOfTensor, type Target } from './layers.ts';
import type { Weights } from './weights.ts';

const WIDTH = 256;
const HEADS = 8;
const DEPTH = 2;
const INNER = 128;
const EMBEDDING = 'pe_layer.positional_encoding_gaussian_matrix';

/** A position code: rows of WIDTH values that are added before a projection. Made from the checkpoint, in float64. */
interface Code {
  readonly name: string;
  readonly rows: number;
  readonly from: readonly string[];
  make(sources: readonly Float32Array[]): Float64Array;
}

export interface Decoded {
  /** [tokens, 256], in the order of the configuration. */
  readonly tokens: Tensor;
  /** [3136, 256] */
  readonly face: Tensor;
}

/** Face tokens [side * side, 256] and the weights' task tokens, through two layers and the final attention. */
export function decode(t: Target, face: Tensor, config: Config, w: Weights): Decoded {
  const taskCode = taskTokens(config, w);
  const faceCode = positionCode(Math.sqrt(rowsOf(face.shape)));
  const transformer = w.at('transformer');
  let tasks: Rows = { operand: embedded(t, taskCode), rows: config.tokens, cols: WIDTH };
  let image = face;
  for (let i = 0; i < DEPTH; i++) {
    const layer = decoderLayer(t, tasks, image, { taskCode, faceCode, first: i === 0 }, transformer.at('layers').at(i));
    tasks = rowsOfTensor(layer.tokens);
    image = layer.face;
    t.graph.tap(`decoder${i}.tokens`, layer.tokens, [1, config.tokens, WIDTH]);
    t.graph.tap(`decoder${i}.image`, image, [1, rowsOf(image.shape), WIDTH]);
  }
  const final = transformer.at('final_attn_token_to_image');
  const keys = projections(t, final.path, rowsOfTensor(image), INNER, [
    { w: final.at('k_proj'), code: faceCode },
    { w: final.at('v_proj') },
  ]);
  const attended = attendToFace(t, tasks, keys, taskCode, final);
  const tokens = norm(t, attended, transformer.at('norm_final_attn'));
  t.graph.tap('decoder.tokens', tokens, [1, config.tokens, WIDTH]);
  return { tokens, face: image };
}

interface Codes {
  readonly taskCode: Code;
  readonly faceCode: Code;
  readonly first: boolean;
}

function decoderLayer(t: Target, tasks: Rows, image: Tensor, { taskCode, faceCode, first }: Codes, w: Weights): Decoded {
  // 1. Task self-attention. The first layer's queries are the tokens themselves: no code, and no residual.
  const self = w.at('self_attn');
  const own = first ? undefined : taskCode;
  const qkv = projections(t, self.path, tasks, WIDTH, [
    { w: self.at('q_proj'), code: own },
    { w: self.at('k_proj'), code: own },
    { w: self.at('v_proj') },
  ]);
  const attended = t.graph.add(`${self.path}.attention`, tokenAttention, { tokens: tasks.rows, heads: HEADS }, { x: qkv }, [
    tasks.rows,
    WIDTH,
  ]);
  const selfOut = linear(t, attended, self.at('out_proj'), WIDTH, { residual: first ? undefined : tasks });
  let tokens = norm(t, selfOut, w.at('norm1'));

  // 2. Task-to-face attention. The face's keys and values, and its queries for step 4, are one product.
  const toFace = w.at('cross_attn_token_to_image');
  const toTask = w.at('cross_attn_image_to_token');
  const face = projections(t, `${toFace.path} and back`, rowsOfTensor(image), INNER, [
    { w: toFace.at('k_proj'), code: faceCode },
    { w: toFace.at('v_proj') },
    { w: toTask.at('q_proj'), code: faceCode },
  ]);
  tokens = norm(t, attendToFace(t, rowsOfTensor(tokens), face, taskCode, toFace), w.at('norm2'));

  // 3. MLP
  const hidden = linear(t, tokens, w.at('mlp.lin1'), 2048, { activation: 'relu' });
  tokens = norm(t, linear(t, hidden, w.at('mlp.lin2'), WIDTH, { residual: rowsOfTensor(tokens) }), w.at('norm3'));

  // 4. Face-to-task attention
  const k = projections(t, `${toTask.path}.k_proj`, rowsOfTensor(tokens), INNER, [{ w: toTask.at('k_proj'), code: taskCode }]);
  const v = linear(t, tokens, toTask.at('v_proj'), INNER);
  const shape: FaceToTaskShape = { queries: rowsOf(image.shape), tokens: tasks.rows, heads: HEADS, qStride: 3 * INNER, qOffset: 2 * INNER };
  const back = t.graph.add(`${toTask.path}.attention`, t.kernels.faceToTask, shape, { q: face, k, v }, [shape.queries, INNER]);
  return { tokens, face: norm(t, linear(t, back, toTask.at('out_proj'), WIDTH, { residual: rowsOfTensor(image) }), w.at('norm4')) };
}

/** tasks + out_proj(attention of the tasks to the face); `keys` holds k in its first INNER columns and v in the next. */
function attendToFace(t: Target, tasks: Rows, keys: Tensor, code: Code, w: Weights): Tensor {
  const q = projections(t, `${w.path}.q_proj`, tasks, INNER, [{ w: w.at('q_proj'), code }]);
  const stride = lastOf(keys.shape);
  const shape: TaskToFaceShape = {
    tokens: tasks.rows,
    keys: rowsOf(keys.shape),
    heads: HEADS,
    kStride: stride,
    vStride: stride,
    vOffset: INNER,
  };
  const shares = t.kernels.sharesOf(shape);
  const parts = t.graph.add(`${w.path}.attention`, t.kernels.taskToFace, shape, { q, k: keys, v: keys }, [tasks.rows, HEADS, shares, 20]);
  const merged = t.graph.add(`${w.path}.merge`, taskToFaceMerge, { tokens: tasks.rows, heads: HEADS, shares }, { x: parts }, [
    tasks.rows,
    INNER,
  ]);
  return linear(t, merged, w.at('out_proj'), WIDTH, { residual: tasks });
}

interface Part {
  readonly w: Weights;
  readonly code?: Code | undefined;
}

/**
 * Several projections of the same rows, each to `inner` columns, as one product. A position code is added before some of them:
 * (x + code) W = x W + code W, and code W is a constant of the weights, made once in float64.
 */
function projections(t: Target, name: string, x: Rows, inner: number, parts: readonly Part[]): Tensor {
  const cols = inner * parts.length;
  const weights = parts.map(({ w }) => w.name('weight'));
  const weight = t.graph.parameter(`${weights.join(' + ')} packed`, weights, paddedCols(cols) * x.cols, (into, sources) =>
    packWeight(joined(sources, new Float32Array(cols * x.cols)), cols, x.cols, into),
  );
  const biases = parts.map(({ w }) => w.name('bias'));
  const bias = t.graph.parameter(biases.join(' + '), biases, cols, (into, sources) => joined(sources, into));
  return product(t, name, x, { weight, bias, cols, residual: codeTable(t, parts, inner) });
}

/** The arrays one after the other. */
function joined(arrays: readonly Float32Array[], into: Float32Array): Float32Array {
  let at = 0;
  for (const array of arrays) {
    into.set(array, at);
    at += array.length;
  }
  return into;
}

/** code W^T for the parts that have a code, zeros for the others: [code's rows, parts * inner]. */
function codeTable({ graph }: Target, parts: readonly Part[], inner: number): Rows | undefined {
  const code = parts.find((part) => part.code)?.code;
  if (!code) return undefined;
  const coded = parts.filter((part) => part.code);
  const cols = parts.length * inner;
  const from = [...code.from, ...coded.map(({ w }) => w.name('weight'))];
  const name = `${code.name} x ${parts.map(({ w, code: own }) => (own ? w.path : '0')).join(' + ')}`;
  const operand = graph.parameter(name, from, code.rows * cols, (into, sources) => {
    const rows = code.make(sources.slice(0, code.from.length));
    for (const [i, { w }] of coded.entries()) {
      const weight = sources[code.from.length + i] as Float32Array;
      multiplyInto(into, rows, weight, { cols, first: inner * parts.findIndex((part) => part.w === w), inner });
    }
  });
  return { operand, rows: code.rows, cols };
}

/** into[r, first + n] = sum_k rows[r, k] weight[n, k], in float64. */
function multiplyInto(
  into: Float32Array,
  rows: Float64Array,
  weight: Float32Array,
  at: { cols: number; first: number; inner: number },
): void {
  const wide = Float64Array.from(weight);
  for (let r = 0; r < rows.length / WIDTH; r++)
    for (let n = 0; n < at.inner; n++) {
      let sum = 0;
      for (let k = 0; k < WIDTH; k++) sum += (rows[r * WIDTH + k] as number) * (wide[n * WIDTH + k] as number);
      into[r * at.cols + at.first + n] = sum;
    }
}

/** The task tokens in the decoder's order: the first queries, and the queries' position code everywhere after. */
function taskTokens({ tasks, tokens }: Config, w: Weights): Code {
  const from = tasks.map(({ embedding }) => w.at(embedding).name('weight'));
  const make = (sources: readonly Float32Array[]): Float64Array => {
    const rows = new Float64Array(tokens * WIDTH);
    for (const [i, { first }] of tasks.entries()) rows.set(sources[i] as Float32Array, first * WIDTH);
    return rows;
  };
  return { name: 'task tokens', rows: tokens, from, make };
}

function embedded({ graph }: Target, { name, rows, from, make }: Code): Parameter {
  return graph.parameter(name, from, rows * WIDTH, (into, sources) => into.set(make(sources)));
}

/**
 * Random Fourier features of the map's pixel centres in [-1, 1] (x, then y): sines, then cosines. In float64 on the CPU: WGSL
 * bounds the error of sin and cos only in [-pi, pi], and half of these arguments lie outside.
 */
function positionCode(side: number): Code {
  const make = ([matrix]: readonly Float32Array[]): Float64Array => {
    const rows = new Float64Array(side * side * WIDTH);
    const half = WIDTH / 2;
    const centre = (i: number): number => 2 * ((i + 0.5) / side) - 1;
    for (let p = 0; p < side * side; p++)
      for (let i = 0; i < half; i++) {
        const [mx, my] = [matrix?.[i] as number, matrix?.[half + i] as number];
        const angle = 2 * Math.PI * (centre(p % side) * mx + centre(Math.floor(p / side)) * my);
        rows[p * WIDTH + i] = Math.sin(angle);
        rows[p * WIDTH + half + i] = Math.cos(angle);
      }
    return rows;
  };
  return { name: 'position code', rows: side * side, from: [EMBEDDING], make };
}
