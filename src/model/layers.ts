/** The layers that every part of the model is made of: one call, one dispatch. */
import type { Graph, Operand, Parameter, Tensor } from '../graph/graph.ts';
import { type MatmulShape, packTransposed, packWeight, paddedCols } from '../kernels/matmul.ts';
import type { KernelSet } from '../kernels/set.ts';
import type { Weights } from './weights.ts';

export const SWIN_EPS = 1e-5;

/** What the model's functions add to, and the kernels that they add. */
export interface Target {
  readonly graph: Graph;
  readonly kernels: KernelSet;
}

export const lastOf = (shape: readonly number[]): number => shape.at(-1) as number;
export const rowsOf = (shape: readonly number[]): number => shape.slice(0, -1).reduce((product, size) => product * size, 1);

/** A tensor or a parameter with the shape it is read as. */
export interface Rows {
  readonly operand: Operand;
  readonly rows: number;
  readonly cols: number;
}

export const rowsOfTensor = (tensor: Tensor): Rows => ({ operand: tensor, rows: rowsOf(tensor.shape), cols: lastOf(tensor.shape) });

/** A tensor of the checkpoint as it is stored. */
export function stored(g: Graph, name: string, length: number): Parameter {
  return g.parameter(name, [name], length, (into, [source]) => into.set(source as Float32Array));
}

function zeros(g: Graph, length: number): Parameter {
  return g.parameter(`zeros ${length}`, [], length, () => {});
}

/** y = act(x w^T + b) + residual; `w` packed, `b` of cols values. */
export interface Product {
  /** A parameter, or a tensor that the network made in that layout. */
  weight: Operand;
  bias?: Parameter | undefined;
  cols: number;
  activation?: MatmulShape['activation'];
  /** Added to the result after the activation; fewer rows than the result's repeat. */
  residual?: Rows | undefined;
}

export function product({ graph, kernels }: Target, name: string, x: Rows, { weight, bias, cols, activation, residual }: Product): Tensor {
  const shape: MatmulShape = { rows: x.rows, inner: x.cols, cols, ...(activation && { activation }), residualRows: residual?.rows };
  const b = bias ?? zeros(graph, cols);
  const inputs = { x: x.operand, w: weight, b, r: residual?.operand ?? b };
  return graph.add(name, kernels.matmul, shape, inputs, [x.rows, cols]);
}

export interface LinearOptions extends Pick<Product, 'activation'> {
  residual?: Rows | undefined;
  /** False for a layer without bias. */
  bias?: boolean;
}

/** torch.nn.Linear of the module `w` on the rows of x. [rows, inner] -> [rows, cols] */
export function linear(t: Target, x: Tensor, w: Weights, cols: number, { residual, bias = true, activation }: LinearOptions = {}): Tensor {
  const inner = lastOf(x.shape);
  return product(t, w.path, rowsOfTensor(x), {
    weight: packed(t.graph, w, cols, inner),
    bias: bias ? stored(t.graph, w.name('bias'), cols) : undefined,
    cols,
    ...(activation && { activation }),
    residual,
  });
}

/** The weight of a linear layer as the kernels read it. */
export function packed(g: Graph, w: Weights, cols: number, inner: number): Parameter {
  const name = w.name('weight');
  return g.parameter(`${name} packed`, [name], paddedCols(cols) * inner, (into, [weight]) =>
    packWeight(weight as Float32Array, cols, inner, into),
  );
}

/** torch.nn.LayerNorm over the last dimension, or LayerNorm2d of channels-last rows; GELU after it where asked. */
export function norm(t: Target, x: Tensor, w: Weights, { eps = SWIN_EPS, gelu = false } = {}): Tensor {
  const channels = lastOf(x.shape);
  const g = stored(t.graph, w.name('weight'), channels);
  const b = stored(t.graph, w.name('bias'), channels);
  return t.graph.add(w.path, t.kernels.layerNorm, { rows: rowsOf(x.shape), channels, eps, gelu }, { x, g, b }, x.shape);
}

/**
 * torch.nn.ConvTranspose2d with a 2x2 kernel of stride 2, as one matrix product: each row (a pixel) becomes four rows, its 2x2
 * pixels in the order (0,0), (0,1), (1,0), (1,1). [pixels, inner] -> [4 pixels, channels]
 */
export function upscale2x2(t: Target, x: Tensor, w: Weights, channels: number, activation: MatmulShape['activation'] = 'none'): Tensor {
  const { graph } = t;
  const inner = lastOf(x.shape);
  const cols = 4 * channels;
  const weight = graph.parameter(`${w.name('weight')} transposed`, [w.name('weight')], paddedCols(cols) * inner, (into, [source]) =>
    packTransposed(source as Float32Array, inner, channels, into),
  );
  const bias = graph.parameter(`${w.name('bias')} four times`, [w.name('bias')], cols, (into, [source]) => {
    for (let i = 0; i < 4; i++) into.set(source as Float32Array, i * channels);
  });
  return product(t, w.path, rowsOfTensor(x), { weight, bias, cols, activation });
}

/** The same values under another shape: no dispatch. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  return { ...x, shape };
}
