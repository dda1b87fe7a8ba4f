/** The operators of opset 17 that the model needs, with their output shapes, written as PyTorch's exporter writes them. */
import { count, type Graph, type Shape, type Value } from './graph.ts';

const binary =
  (op: string) =>
  (g: Graph, a: Value, b: Value): Value =>
    g.node(op, [a, b], broadcast(a.shape, b.shape));

function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new RangeError(`[${a}] and [${b}] do not broadcast`);
    return Math.max(m, n);
  });
}

const unary =
  (op: string) =>
  (g: Graph, x: Value): Value =>
    g.node(op, [x], x.shape);

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const relu = unary('Relu');

export function matmul(g: Graph, a: Value, b: Value): Value {
  if (a.shape.at(-1) !== b.shape.at(-2)) throw new RangeError(`[${a.shape}] x [${b.shape}] is no product`);
  return g.node(
    'MatMul',
    [a, b],
    [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), ...a.shape.slice(-2, -1), ...b.shape.slice(-1)],
  );
}

export function reshape(g: Graph, x: Value, shape: Shape): Value {
  if (count(shape) !== count(x.shape)) throw new RangeError(`[${x.shape}] cannot be [${shape}]`);
  return g.node('Reshape', [x, g.indices(...shape)], shape);
}

export function transpose(g: Graph, x: Value, ...perm: number[]): Value {
  return g.node(
    'Transpose',
    [x],
    perm.map((axis) => x.shape[axis] as number),
    { perm },
  );
}

/** `x[start:end:step]` along one axis. */
export function slice(g: Graph, x: Value, axis: number, start: number, end: number, step = 1): Value {
  const shape = x.shape.map((n, i) => (i === axis ? Math.ceil((end - start) / step) : n));
  return g.node('Slice', [x, g.indices(start), g.indices(end), g.indices(axis), g.indices(step)], shape);
}

export function concat(g: Graph, parts: readonly Value[], axis: number): Value {
  const total = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  return g.node(
    'Concat',
    parts,
    (parts[0] as Value).shape.map((n, i) => (i === axis ? total : n)),
    { axis },
  );
}

/** `x[..., index, ...]` along one axis, which goes. */
export function pick(g: Graph, x: Value, axis: number, index: number): Value {
  return g.node(
    'Gather',
    [x, g.constant(BigInt64Array.of(BigInt(index)), [])],
    x.shape.filter((_, i) => i !== axis),
    { axis },
  );
}

/** Reduction with the axes as an attribute, as these operators have them up to opset 17. */
export function reduce(g: Graph, op: 'ReduceMean' | 'ReduceL2', x: Value, axis: number): Value {
  return g.node(
    op,
    [x],
    x.shape.map((n, i) => (i === axis ? 1 : n)),
    { axes: [axis], keepdims: 1 },
  );
}

/** Sum over axes that go; `axes` is an input since opset 13. */
export function sum(g: Graph, x: Value, ...axes: number[]): Value {
  return g.node(
    'ReduceSum',
    [x, g.indices(...axes)],
    x.shape.filter((_, i) => !axes.includes(i)),
    { keepdims: 0 },
  );
}

export function softmax(g: Graph, x: Value): Value {
  return g.node('Softmax', [x], x.shape, { axis: -1 });
}

export function clampMin(g: Graph, x: Value, min: number): Value {
  return g.node('Clip', [x, g.scalar(min)], x.shape);
}

/** GELU in its exact form, x (1 + erf(x / sqrt 2)) / 2, in the order of operators that runtimes know to fuse. */
export function gelu(g: Graph, x: Value): Value {
  const erf = g.node('Erf', [div(g, x, g.scalar(Math.SQRT2))], x.shape);
  return mul(g, mul(g, x, add(g, erf, g.scalar(1))), g.scalar(0.5));
}

export function layerNorm(g: Graph, x: Value, name: string, epsilon = 1e-5): Value {
  const channels = x.shape.slice(-1);
  const inputs = [x, g.weight(`${name}.weight`, channels), g.weight(`${name}.bias`, channels)];
  return g.node('LayerNormalization', inputs, x.shape, { axis: -1, epsilon: { float: epsilon } });
}

/** [rows, columns] to [columns, rows]. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c] as number;
  return out;
}

/** nn.Linear: Gemm on a matrix, MatMul and Add with the weight transposed in the file on anything higher. */
export function linear(g: Graph, x: Value, name: string, out: number, { bias = true } = {}): Value {
  const inner = x.shape.at(-1) as number;
  if (x.shape.length === 2 && bias) {
    const inputs = [x, g.weight(`${name}.weight`, [out, inner]), g.weight(`${name}.bias`, [out])];
    return g.node('Gemm', inputs, [x.shape[0] as number, out], { alpha: { float: 1 }, beta: { float: 1 }, transB: 1 });
  }
  const convert = (data: Float32Array) => transposed(data, out, inner);
  const product = matmul(g, x, g.weight(`${name}.weight`, [out, inner], { shape: [inner, out], convert }));
  return bias ? add(g, g.weight(`${name}.bias`, [out]), product) : product;
}

interface Conv {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly pad?: number;
  /** Each channel by itself: as many groups as channels. */
  readonly depthwise?: boolean;
  readonly bias?: boolean;
}

export function conv(g: Graph, x: Value, name: string, { out, kernel, stride = 1, pad = 0, depthwise = false, bias = true }: Conv): Value {
  const [n, channels, h, w] = x.shape as [number, number, number, number];
  const inputs = [x, g.weight(`${name}.weight`, [out, depthwise ? 1 : channels, kernel, kernel])];
  if (bias) inputs.push(g.weight(`${name}.bias`, [out]));
  const size = (s: number) => Math.floor((s + 2 * pad - kernel) / stride) + 1;
  const group = depthwise ? channels : 1;
  const attributes = { dilations: [1, 1], group, kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] };
  return g.node('Conv', inputs, [n, out, size(h), size(w)], attributes);
}

/** Transposed convolution, 2x2 with stride 2. */
export function upconv(g: Graph, x: Value, name: string, out: number): Value {
  const [n, channels, h, w] = x.shape as [number, number, number, number];
  const inputs = [x, g.weight(`${name}.weight`, [channels, out, 2, 2]), g.weight(`${name}.bias`, [out])];
  const attributes = { dilations: [1, 1], group: 1, kernel_shape: [2, 2], pads: [0, 0, 0, 0], strides: [2, 2] };
  return g.node('ConvTranspose', inputs, [n, out, 2 * h, 2 * w], attributes);
}

export function batchNorm(g: Graph, x: Value, name: string, epsilon = 1e-5): Value {
  const channels = x.shape.slice(1, 2);
  const inputs = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => g.weight(`${name}.${part}`, channels));
  return g.node('BatchNormalization', [x, ...inputs], x.shape, { epsilon: { float: epsilon }, momentum: { float: 0.9 } });
}

/** Instance normalisation without weights. */
export function instanceNorm(g: Graph, x: Value): Value {
  const channels = x.shape[1] as number;
  const ones = g.table(`ones.${channels}`, [channels], () => new Float32Array(channels).fill(1));
  const zeros = g.table(`zeros.${channels}`, [channels], () => new Float32Array(channels));
  return g.node('InstanceNormalization', [x, ones, zeros], x.shape, { epsilon: { float: 1e-5 } });
}

/** Maxima of windows of `kernel`, two apart; of sides that are even. */
export function maxPool2(g: Graph, x: Value, kernel: 2 | 3 = 2): Value {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const pad = kernel - 2;
  const attributes = { ceil_mode: 0, kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [2, 2] };
  return g.node('MaxPool', [x], [n, c, h >> 1, w >> 1], attributes);
}

/** The mean of each channel: [n, c, 1, 1] */
export const globalMean = (g: Graph, x: Value): Value => g.node('GlobalAveragePool', [x], [...x.shape.slice(0, 2), 1, 1]);

/** A sixth of x + 3, from 0 to 1. */
export const hardSigmoid = (g: Graph, x: Value): Value =>
  g.node('HardSigmoid', [x], x.shape, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });

export const hardSwish = unary('HardSwish');

const NONE: Value = { name: '', shape: [] };

/** Bilinear, pixel centres at half (align_corners false). */
export function resizeBilinear(g: Graph, x: Value, size: number): Value {
  const shape = [...x.shape.slice(0, 2), size, size];
  const attributes = { coordinate_transformation_mode: 'pytorch_half_pixel', mode: 'linear', nearest_mode: 'floor' };
  return g.node('Resize', [x, NONE, NONE, g.indices(...shape)], shape, attributes);
}

export function resizeNearest2(g: Graph, x: Value): Value {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const attributes = { coordinate_transformation_mode: 'asymmetric', mode: 'nearest', nearest_mode: 'floor' };
  return g.node('Resize', [x, NONE, g.constant(Float32Array.of(1, 1, 2, 2))], [n, c, 2 * h, 2 * w], attributes);
}
