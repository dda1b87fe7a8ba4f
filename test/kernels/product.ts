/** The cases of every kernel that computes torch.nn.Linear with an activation and a residual. */
import type { Kernel } from '../../src/kernels/kernel.ts';
import { type MatmulShape, packWeight } from '../../src/kernels/matmul.ts';
import { gelu, linear, relu } from './float64.ts';
import { type Bound, FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

const ACTIVATIONS = { none: (v: number): number => v, gelu, relu };

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
      const product = linear(x, weight, bias).map(ACTIVATIONS[activation]);
      const expected = residual ? product.map((v, i) => v + (residual[i % residual.length] as number)) : product;
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
  const activated = (name: string, activation: 'gelu' | 'relu', bound: Bound, values: (i: number) => number): KernelCase =>
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
    activated('from -10 to 10', 'gelu', { nmse: 1e-13, maxAbs: 1e-6 }, spread(-10, 10)),
    activated('the tail', 'gelu', { nmse: 1e-10, maxAbs: 4e-7 }, spread(-6, -1)),
    activated('near zero', 'gelu', { nmse: 1e-12, maxAbs: 1e-9 }, spread(-1e-3, 1e-3)),
    activated('large values', 'gelu', { nmse: 1e-14, maxAbs: 1e-12 }, (i) => (-1) ** i * 10 ** (1 + (i % 17))),
    activated('both signs and zero', 'relu', 'exact', (i) => (i % 5) - 2),
  ];
}
