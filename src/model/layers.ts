/** The layers that every part of the model is made of: one call, one dispatch. */
import type { Graph, Parameter, Tensor } from '../graph/graph.ts';
import { normaliseLookup } from '../image/resize.ts';
import type { Dtype } from '../kernels/kernel.ts';
import { type MatmulShape, packWeight, paddedCols, streamStride } from '../kernels/matmul/role.ts';
import { sumShares } from '../kernels/matmul/sumShares.ts';
import type { Stream, Target } from './target.ts';
import type { Weights } from './weights.ts';

export const SWIN_EPS = 1e-5;

/** The scale of attention's scores, which is folded into the queries: Swin's heads and the tokens' own have 32 dimensions. */
export const HEAD_SCALE = 1 / Math.sqrt(32);

export const lastOf = (shape: readonly number[]): number => shape.at(-1) as number;
export const rowsOf = (shape: readonly number[]): number => shape.slice(0, -1).reduce((product, size) => product * size, 1);

/** Channels lie in rows of a multiple of 16, as products read them; those that there are not are zero. */
export const padded = (channels: number): number => Math.ceil(channels / 16) * 16;

/** Side of one image's map. */
export const sideOf = ({ graph }: Target, { shape }: Tensor): number => Math.sqrt(rowsOf(shape) / graph.images);

/** The first `width` values of each row of `stride`. */
export function firstOf(values: Float32Array, width: number, stride: number): Float32Array {
  const out = new Float32Array((values.length / stride) * width);
  for (let r = 0; r * stride < values.length; r++) out.set(values.subarray(r * stride, r * stride + width), r * width);
  return out;
}

/** A tensor or a parameter with the shape it is read as: the first `cols` numbers of rows of `stride`. */
export interface Rows {
  readonly operand: Tensor | Parameter;
  readonly rows: number;
  readonly cols: number;
  readonly stride: number;
}

export function rowsOfTensor(tensor: Tensor, cols = lastOf(tensor.shape)): Rows {
  return { operand: tensor, rows: rowsOf(tensor.shape), cols, stride: lastOf(tensor.shape) };
}

export const rowsOfStream = ({ tensor, channels }: Stream): Rows => rowsOfTensor(tensor, channels);

/** Tensors of the checkpoint as they are stored, one after the other. */
export function stored(g: Graph, length: number, ...names: readonly string[]): Parameter {
  return g.parameter(names.join(' + '), names, length, 'f32', (into, sources) => joined(sources, into));
}

/** The arrays one after the other. */
export function joined<Into extends Float32Array | Float64Array>(arrays: readonly Float32Array[], into: Into): Into {
  let at = 0;
  for (const array of arrays) {
    into.set(array, at);
    at += array.length;
  }
  return into;
}

/** What number each byte of each colour becomes: [3, 256] */
export const lookupOf = (g: Graph): Parameter => g.parameter('normalise lookup', [], 768, 'f32', (into) => into.set(normaliseLookup()));

const zeros = (g: Graph, length: number): Parameter => g.parameter(`zeros ${length}`, [], length, 'f32', () => {});

/** y = act(x w^T + b) + residual; `w` packed, `b` of cols values. */
export interface Product extends Pick<MatmulShape, 'norm' | 'mergeSide' | 'stream' | 'weightEach'> {
  /** A parameter, or a tensor that the network made in that layout. */
  weight: Tensor | Parameter;
  bias?: Parameter | undefined;
  cols: number;
  activation?: MatmulShape['activation'];
  /** Added to the result after the activation; fewer rows than the result's repeat. */
  residual?: Pick<Rows, 'operand' | 'rows'> | undefined;
  /** Rows of the result, where a row of it is not one of x. */
  rows?: number;
  /** How the result is stored; as the target says unless told otherwise. */
  dtype?: Dtype;
}

export function product(t: Target, name: string, x: Rows, layer: Product): Tensor {
  const { graph, kernels } = t;
  const { stream, residual, dtype = t.dtype } = layer;
  const { shape, shares, inputs } = productOf(t, x, layer);
  const { rows, cols } = shape;
  const r = residual?.operand ?? inputs.b;
  const made = [rows, stream ? streamStride(cols) : cols];
  if (shares === 1) return graph.add(name, kernels.matmul.kernel, shape, { ...inputs, r }, made, dtype);
  const sums = graph.add(`${name} in shares`, kernels.matmul.kernel, shape, inputs, [shares, rows, cols]);
  return graph.add(name, sumShares, shape, { x: sums, b: inputs.b, r }, made, dtype);
}

/** Tensors that lie one after the other, [shares, rows, cols], of which something is the sum: in float32, but one alone as it is stored. */
export interface Shares {
  readonly tensor: Tensor;
  readonly shares: number;
}

/** x w^T + b for a kernel that sums shares as it reads. */
export function productInShares(t: Target, name: string, x: Rows, layer: Pick<Product, 'weight' | 'bias' | 'cols' | 'norm'>): Shares {
  const { shape, shares, inputs } = productOf(t, x, layer);
  if (shares === 1) return { tensor: product(t, name, x, layer), shares };
  const made = [shares, shape.rows, shape.cols];
  return { tensor: t.graph.add(`${name} in shares`, t.kernels.matmul.kernel, { ...shape, biased: !!layer.bias }, inputs, made), shares };
}

/** What a product's kernel is told and reads, but for a residual. */
function productOf({ graph, dtype, kernels }: Target, x: Rows, { weight: w, bias, residual, dtype: output = dtype, ...layer }: Product) {
  const whole: MatmulShape = {
    ...layer,
    rows: layer.rows ?? x.rows,
    inner: layer.mergeSide ? 4 * x.cols : x.cols,
    stride: x.stride,
    images: graph.images,
    residualRows: residual?.rows,
    dtypes: { input: x.operand.dtype, weight: w.dtype, added: residual?.operand.dtype ?? 'f32', output },
  };
  const shares = kernels.matmul.sharesOf(whole);
  const b = bias ?? zeros(graph, layer.cols);
  return { shape: { ...whole, shares }, shares, inputs: { x: x.operand, w, b, r: b } };
}

/**
 * The weight of a linear layer as the kernels read it.
 * @param scale name of a tensor of factors, one for each row: they are multiplied in float64, and rounded once
 */
export function packed({ graph, dtype }: Target, w: Weights, cols: number, inner: number, scale?: string): Parameter {
  const from = [w.get('weight', [cols, inner]), ...(scale === undefined ? [] : [scale])] as const;
  return graph.parameter(`${from.join(' x ')} packed`, from, paddedCols(cols) * inner, dtype, (into, [weight, factors]) => {
    const scaled = factors && Float64Array.from(weight, (value, i) => value * (factors[Math.floor(i / inner)] as number));
    packWeight(scaled ?? weight, cols, inner, into);
  });
}
