/** The model's transposed convolutions (2x2, stride 2), which are matrix products on packed weights. */
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { packTransposed } from '../../src/kernels/matmul/role.ts';
import { gelu, nestedRow } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

/** torch.nn.ConvTranspose2d(inner, out, 2, stride=2) of x [inner][side][side]: [out][2 side][2 side] */
function convTranspose(x: ArrayLike<number>, weight: ArrayLike<number>, bias: ArrayLike<number>, side: number): Float64Array {
  const [out, inner, wide] = [bias.length, x.length / side ** 2, 2 * side];
  return Float64Array.from({ length: out * wide * wide }, (_, at) => {
    const [o, py, px] = [Math.floor(at / wide ** 2), Math.floor(at / wide) % wide, at % wide];
    let sum = bias[o] as number;
    for (let i = 0; i < inner; i++) {
      const value = x[(i * side + (py >> 1)) * side + (px >> 1)] as number;
      sum += value * (weight[((i * out + o) * 2 + (py % 2)) * 2 + (px % 2)] as number);
    }
    return sum;
  });
}

function convTransposeCase(side: number, inner: number, out: number, activation: 'none' | 'gelu'): KernelCase {
  return {
    name: `${inner} to ${out} channels, ${side} to ${2 * side} ${activation}`,
    bound: FLOAT32,
    async run(device) {
      const x = randomValues(inner * side * side, 1); // planes
      const weight = randomValues(inner * out * 4, 2).map((v) => (v * 3) / Math.sqrt(inner));
      const bias = randomValues(out, 3);
      const rows = Float32Array.from(x, (_, i) => x[(i % inner) * side * side + Math.floor(i / inner)] as number);
      const shape = { rows: side * side, inner, cols: 4 * out, activation };
      const four = Float32Array.from({ length: 4 * out }, (_, i) => bias[i % out] as number);
      const inputs = { x: rows, w: packTransposed(weight, inner, out), b: four, r: four };
      const y = new Float32Array(await runKernel(device, matmul, shape, inputs, side * side * 4 * out));
      const actual = y.map((_, at) => {
        const [o, py, px] = [Math.floor(at / (4 * side * side)), Math.floor(at / (2 * side)) % (2 * side), at % (2 * side)];
        return y[nestedRow(side, py, px, 1) * out + o] as number;
      });
      const product = convTranspose(x, weight, bias, side);
      return { actual, expected: activation === 'gelu' ? product.map(gelu) : product };
    },
  };
}

export const cases: KernelCase[] = [
  convTransposeCase(8, 256, 64, 'none'),
  convTransposeCase(14, 64, 32, 'gelu'),
  convTransposeCase(3, 16, 5, 'none'),
];
