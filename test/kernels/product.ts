/** The cases of every kernel that computes torch.nn.Linear with an activation and a residual; and of those that read and write streams. */
import type { Dtype, Kernel } from '../../src/kernels/kernel.ts';
import { type MatmulShape, packWeight } from '../../src/kernels/matmul/role.ts';
import { finished, linear, rowsOf } from './float64.ts';
import { type Bound, FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel, runKernelTwice } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';
import { normalised, streamOf } from './streams.ts';

interface Inputs {
  x: Float32Array;
  weight: Float32Array;
  bias: Float32Array;
  residual?: Float32Array;
}

function productCase(kernel: Kernel<MatmulShape>, name: string, shape: MatmulShape, bound: Bound, make: () => Inputs): KernelCase {
  const { rows, inner, cols, activation = 'none', residualRows } = shape;
  const [added, act] = [residualRows ? ` + ${residualRows} rows` : '', activation === 'none' ? '' : ` ${activation}`];
  return {
    name: `${name}: ${rows} x ${inner} x ${cols}${act}${added}`,
    bound,
    async run(device) {
      const { x, weight, bias, residual } = make();
      const packed = packWeight(weight, cols, inner);
      const y = await runKernel(device, kernel, shape, { x, w: packed, b: bias, r: residual ?? bias }, rows * cols);
      const expected = linear(x, weight, bias).map((sum, i) => finished(activation, sum, residual?.[i % residual.length]));
      return { actual: new Float32Array(y), expected };
    },
  };
}

/** Random inputs whose products have a variance near 1, as the network's have. */
function random({ rows, inner, cols, residualRows }: MatmulShape): Inputs {
  const residual = residualRows === undefined ? undefined : randomValues(residualRows * cols, 4);
  const weight = randomValues(cols * inner, 2).map((v) => (v * 3) / Math.sqrt(inner));
  return { x: randomValues(rows * inner, 1), weight, bias: randomValues(cols, 3), ...(residual && { residual }) };
}

/** Products that are exactly the given values: x times the identity. What is measured is the activation alone. */
function identity(values: (i: number) => number, rows: number): Inputs {
  const weight = new Float32Array(64 * 64);
  for (let i = 0; i < 64; i++) weight[i * 65] = 1;
  return { x: Float32Array.from({ length: rows * 64 }, (_, i) => values(i)), weight, bias: new Float32Array(64) };
}

export function productCases(kernel: Kernel<MatmulShape>): KernelCase[] {
  const of = (name: string, shape: MatmulShape): KernelCase => productCase(kernel, name, shape, FLOAT32, () => random(shape));
  const range = { rows: 40, inner: 64, cols: 64 };
  const spread = (from: number, to: number) => (i: number) => from + ((to - from) * i) / (range.rows * 64 - 1);
  const activated = (name: string, activation: MatmulShape['activation'], bound: Bound, values: (i: number) => number): KernelCase =>
    productCase(kernel, name, { ...range, activation }, bound, () => identity(values, range.rows));
  return [
    of('Swin stage 1, projection and residual', { rows: 3136, inner: 128, cols: 64, residualRows: 3136 }),
    of('Swin stage 3, MLP', { rows: 196, inner: 512, cols: 128, activation: 'gelu' }),
    of('Swin stage 4, MLP back', { rows: 49, inner: 4096, cols: 64, residualRows: 49 }),
    of('patch merging', { rows: 49, inner: 2048, cols: 128 }),
    of('decoder MLP', { rows: 18, inner: 256, cols: 2048, activation: 'relu' }),
    of('decoder MLP back', { rows: 18, inner: 2048, cols: 256, residualRows: 18 }),
    of('paper form, tokens and their code', { rows: 95, inner: 256, cols: 128, residualRows: 95 }),
    of('face tokens and their code', { rows: 784, inner: 256, cols: 128, residualRows: 784 }),
    of('one row', { rows: 1, inner: 256, cols: 256 }),
    of('one row, the least of everything', { rows: 1, inner: 16, cols: 4 }),
    of('a residual that repeats', { rows: 121, inner: 32, cols: 68, residualRows: 11 }),
    of('one row for all', { rows: 57, inner: 32, cols: 64, residualRows: 1 }),
    of('one row beyond a tile', { rows: 57, inner: 48, cols: 132, activation: 'relu', residualRows: 57 }),
    of('one row short of two tiles', { rows: 111, inner: 80, cols: 60, activation: 'gelu', residualRows: 111 }),
    of('tiles of 49 rows, columns in part', { rows: 49, inner: 16, cols: 200, activation: 'gelu' }),
    of('one row beyond a small tile', { rows: 29, inner: 16, cols: 196 }),
    of('ResNet, the last of a block', { rows: 196, inner: 256, cols: 128, activation: 'reluLast', residualRows: 196 }),
    of('MobileNet, expansion', { rows: 196, inner: 112, cols: 208, activation: 'hardSwish' }),
    activated('from -10 to 10', 'gelu', { nmse: 1e-13, maxAbs: 1e-6 }, spread(-10, 10)),
    activated('the tail', 'gelu', { nmse: 1e-10, maxAbs: 4e-7 }, spread(-6, -1)),
    activated('near zero', 'gelu', { nmse: 1e-12, maxAbs: 1e-9 }, spread(-1e-3, 1e-3)),
    activated('large values', 'gelu', { nmse: 1e-14, maxAbs: 1e-12 }, (i) => (-1) ** i * 10 ** (1 + (i % 17))),
    activated('from -10 to 10', 'hardSwish', { nmse: 1e-13, maxAbs: 1e-6 }, spread(-10, 10)),
    activated('both signs and zero', 'relu', 'exact', (i) => (i % 5) - 2),
  ];
}

/** What is read: rows as they lie, or of a stream, normalised; each `channels` of a pixel, or of the 2x2 neighbours in a map. */
interface Read {
  kind: 'rows' | 'stream' | 'norm';
  /** Makes element c of row r from a random value in [-1, 1). */
  value?: (random: number, r: number, c: number) => number;
}

const EPS = 1e-5;

function streamCase(kernel: Kernel<MatmulShape>, name: string, read: Read, shape: MatmulShape, dtype: Dtype = 'f32'): KernelCase {
  const { rows, inner, cols, activation = 'none', mergeSide = 0, stream = false, residualRows, images = 1, weightEach = false } = shape;
  const channels = mergeSide ? inner / 4 : inner;
  const pixels = mergeSide ? 4 * rows : rows;
  const inStream = read.kind !== 'rows';
  const all: MatmulShape = {
    ...shape,
    stride: shape.stride ?? (inStream ? channels + channels / 16 : channels),
    ...(read.kind === 'norm' && { norm: { eps: EPS } }),
    dtypes: { input: inStream ? 'f32' : dtype, weight: dtype, added: stream ? 'f32' : dtype, output: stream ? 'f32' : dtype },
  };
  return {
    name: `${name}: ${rows} x ${inner} x ${cols}${dtype === 'f16' ? ', float16' : ''}`,
    bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const value = read.value ?? ((v: number) => v);
      const values = randomValues(pixels * channels, 1).map((v, i) => value(v, Math.floor(i / channels), i % channels));
      const weights = Array.from({ length: weightEach ? images : 1 }, (_, i) => randomValues(cols * inner, 2 + 10 * i).map((v) => v / 8));
      const bias = randomValues(cols, 3);
      const residual = residualRows === undefined ? undefined : randomValues(residualRows * cols, 4);
      const packed = weights.map((weight) => packWeight(weight, cols, inner));
      const w = Float32Array.from(packed.flatMap((one) => [...one]));
      const inputs = {
        x: inStream ? streamOf(values, channels) : stored(strided(values, channels, all.stride as number), dtype),
        w: stored(w, dtype),
        b: bias,
        r: residual ? (stream ? streamOf(residual, cols) : stored(residual, dtype)) : bias,
      };
      const outStride = stream ? cols + cols / 16 : cols;
      const y = await runKernel(device, kernel, all, inputs, rows * outStride, stream ? 'f32' : dtype);
      const given = inStream ? values : rounded(values, dtype);
      const x = neighbours(given, channels, mergeSide);
      const normed = read.kind === 'norm' ? normalised(x, inner, EPS) : Float64Array.from(x);
      const each = normed.length / weights.length;
      const product = weights.flatMap((weight, i) => [...linear(normed.subarray(i * each, (i + 1) * each), rounded(weight, dtype), bias)]);
      const added = residual && (stream ? residual : rounded(residual, dtype));
      const sums = Float64Array.from(product, (v, i) => finished(activation, v, added?.[i % added.length]));
      const actual = numbersOf(y, stream ? 'f32' : dtype);
      return { actual, expected: stream ? streamOf(sums, cols) : sums };
    },
  };
}

/** Rows of `channels` in rows of `stride`, with what must not be read behind them. */
function strided(values: Float32Array, channels: number, stride: number): Float32Array {
  const out = new Float32Array((values.length / channels) * stride).fill(1e4);
  for (let r = 0; r * channels < values.length; r++) out.set(values.subarray(r * channels, (r + 1) * channels), r * stride);
  return out;
}

/** Of every map of that side each 2x2 block as one row: (0,0), (1,0), (0,1), (1,1) by (dy, dx). */
function neighbours(values: Float32Array, channels: number, side: number): Float32Array {
  if (side === 0) return values;
  const rows = rowsOf(values, channels);
  const order = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const;
  const half = side / 2;
  return Float32Array.from(
    Array.from({ length: rows.length / 4 }, (_, r) => {
      const [image, y, x] = [Math.floor(r / half / half), Math.floor(r / half) % half, r % half];
      return order.flatMap(([dy, dx]) => [...(rows[image * side * side + (2 * y + dy) * side + 2 * x + dx] as Float64Array)]);
    }).flat(),
  );
}

const norm: Read = { kind: 'norm' };
/** Rows with a mean a hundred times their spread, and elements a thousand times the rest: E[x^2] - E[x]^2 would lose all digits. */
const massive: Read = { kind: 'norm', value: (v, r, c) => 60 + v + (c === (7 * r) % 128 ? 2000 : 0) };

/** Products in shares of the inner dimension: the sums of each, without residual, and without bias but for the first where it is to have it. */
export function sharesCases(kernel: Kernel<MatmulShape>): KernelCase[] {
  const of = (shape: MatmulShape & { shares: number }, dtype: Dtype = 'f32'): KernelCase => {
    const { rows, inner, cols, shares, biased, norm } = shape;
    return {
      name: `${shares} shares${biased ? ', with bias' : ''}${norm ? ' of a normed stream' : ''}: ${rows} x ${inner} x ${cols}${dtype === 'f16' ? ', float16' : ''}`,
      bound: FLOAT32,
      ...featuresOf(dtype),
      async run(device) {
        const { x, weight, bias } = random(shape);
        const all: MatmulShape = {
          ...shape,
          stride: norm ? inner + inner / 16 : inner,
          dtypes: { input: norm ? 'f32' : dtype, weight: dtype, added: dtype, output: dtype },
        };
        const inputs = {
          x: norm ? streamOf(x, inner) : stored(x as Float32Array<ArrayBuffer>, dtype),
          w: stored(packWeight(weight, cols, inner), dtype),
          b: bias,
          r: bias,
        };
        const y = await runKernelTwice(device, kernel, all, inputs, shares * rows * cols);
        const given = norm ? normalised(x, inner, norm.eps) : rounded(x as Float32Array<ArrayBuffer>, dtype);
        const [xRows, wRows] = [rowsOf(given, inner), rowsOf(rounded(weight as Float32Array<ArrayBuffer>, dtype), inner)];
        const expected = Array.from({ length: shares }, (_, s) => {
          const [from, to] = [(s * inner) / shares, ((s + 1) * inner) / shares];
          const part = (values: readonly Float64Array[]) => Float64Array.from(values.flatMap((row) => [...row.subarray(from, to)]));
          return [...linear(part(xRows), part(wRows), biased && s === 0 ? bias : new Float64Array(cols))];
        });
        return { actual: new Float32Array(y), expected: expected.flat() };
      },
    };
  };
  return [
    of({ rows: 196, inner: 512, cols: 64, shares: 4 }),
    of({ rows: 49, inner: 1024, cols: 128, shares: 8, biased: true, norm: { eps: EPS } }),
    of({ rows: 18, inner: 64, cols: 132, shares: 2 }),
    of({ rows: 49, inner: 256, cols: 64, shares: 4 }, 'f16'),
  ];
}

/** The cases of products that read and write streams. */
export function streamCases(kernel: Kernel<MatmulShape>): KernelCase[] {
  const of = (name: string, read: Read, shape: MatmulShape): KernelCase => streamCase(kernel, name, read, shape);
  const half = (name: string, read: Read, shape: MatmulShape): KernelCase => streamCase(kernel, name, read, shape, 'f16');
  return [
    of('a normed stream, stage 1', norm, { rows: 3136, inner: 128, cols: 64 }),
    of('a normed stream, stage 3, GELU', norm, { rows: 196, inner: 512, cols: 192, activation: 'gelu' }),
    of('a normed stream, stage 4', norm, { rows: 49, inner: 1024, cols: 128 }),
    of('massive activations', massive, { rows: 60, inner: 256, cols: 64 }),
    of('to a stream', { kind: 'rows' }, { rows: 196, inner: 512, cols: 128, residualRows: 196, stream: true }),
    of('to a stream, shares of 4096', { kind: 'rows' }, { rows: 49, inner: 4096, cols: 64, residualRows: 49, stream: true }),
    of('to a stream, rows in part', { kind: 'rows' }, { rows: 58, inner: 128, cols: 64, residualRows: 58, stream: true }),
    of('patch merging, stage 1', norm, { rows: 784, inner: 512, cols: 64, mergeSide: 56, stream: true }),
    of('patch merging, the first rows of a map', norm, { rows: 56, inner: 512, cols: 64, mergeSide: 56, stream: true }),
    of('patch merging, two images', norm, { rows: 98, inner: 2048, cols: 64, mergeSide: 14, stream: true, images: 2 }),
    of('patch merging, massive activations', massive, { rows: 49, inner: 512, cols: 64, mergeSide: 14, stream: true }),
    of('a stream as it is', { kind: 'stream' }, { rows: 196, inner: 512, cols: 64 }),
    of('wider rows', { kind: 'rows' }, { rows: 18, inner: 256, cols: 64, stride: 1280, activation: 'relu' }),
    of('a weight for each image', { kind: 'rows' }, { rows: 336, inner: 64, cols: 72, images: 3, weightEach: true }),
    of('a table for each of three images', { kind: 'rows' }, { rows: 147, inner: 64, cols: 64, residualRows: 49, images: 3 }),
    half('a normed stream', norm, { rows: 196, inner: 512, cols: 64, activation: 'gelu' }),
    half('to a stream', { kind: 'rows' }, { rows: 49, inner: 1024, cols: 64, residualRows: 49, stream: true }),
    half('a table', { kind: 'rows' }, { rows: 112, inner: 256, cols: 128, residualRows: 112 }),
    half('massive activations', massive, { rows: 60, inner: 256, cols: 64 }),
  ];
}
